import { TrackbridgeError } from '../../core/errors.js';
import { fromFailure } from '../../core/link/failure.js';
import { startWorker } from '../../core/worker.js';
import type { ParityReply, ParityRequest, ThreadData } from './messages.js';

/** The thread of the comparisons, as the event loop sees it. */
export interface ParityThread {
  /** Resolves when the stores are open. Rejects with START_FAILED. */
  readonly started: Promise<unknown>;
  /** Resolves when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Sends a request. Requests are answered in order. */
  call(request: ParityRequest): Promise<unknown>;
  end(): Promise<void>;
}

interface Waiting {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts the thread. `warn` is called with a failure after which it continues. */
export function startParityThread(data: ThreadData, warn: (message: string) => void): ParityThread {
  const worker = startWorker(new URL('./worker.js', import.meta.url), { workerData: data });
  const waiting: Waiting[] = [];
  let gone: unknown;
  const lose = (cause: unknown): void => {
    gone ??=
      cause instanceof TrackbridgeError
        ? cause
        : new TrackbridgeError('START_FAILED', 'the thread of the comparisons has ended', {
            cause,
          });
    for (const { reject } of waiting.splice(0)) reject(gone);
  };
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      lose(undefined);
      resolve();
    });
  });
  worker.on('error', lose);
  worker.on('message', (message: ParityReply) => {
    if ('warning' in message) return warn(message.warning);
    const caller = waiting.shift();
    if ('failure' in message) caller?.reject(fromFailure(message.failure));
    else caller?.resolve(message.reply);
  });
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
    });
  return {
    started: next(),
    ended,
    call(request) {
      if (gone !== undefined) return Promise.reject(gone);
      worker.postMessage(request);
      return next();
    },
    end: async () => {
      await worker.terminate();
      await ended;
    },
  };
}
