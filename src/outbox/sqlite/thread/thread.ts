import { TrackbridgeError } from '../../../core/errors.js';
import { startWorker } from '../../../core/worker.js';
import { fromFailure } from '../health/failure.js';
import type { RequestKind, Requests, ThreadReply, ThreadRequest } from './messages.js';

/** The thread that owns the SQLite connection, as the event loop sees it. */
export interface StoreThread {
  /** False once its connection may no longer be used, or it has ended. */
  readonly alive: boolean;
  /** Sends a request. Requests are answered in order. Rejects with a TrackbridgeError. */
  call<Kind extends RequestKind>(
    kind: Kind,
    request: Requests[Kind]['request'],
  ): Promise<Requests[Kind]['reply']>;
  /**
   * Ends the thread. Resolves once it has released the store. A thread that hangs in a system call ends only when the
   * call returns, so callers should limit the wait.
   */
  end(): Promise<void>;
}

interface Waiting {
  // One queue holds callers of every kind. `call` knows which reply belongs to which.
  readonly resolve: (reply: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Starts the thread. It exists because a disk can take seconds for one fdatasync: on the event loop that would stop the
 * timers that keep answers in time. `warn` is called with one line about a problem despite which the store continues.
 */
export function startStoreThread(warn: (message: string) => void): StoreThread {
  // It makes little garbage. By default its young generation would grow by 8 MB that it does not need.
  const resourceLimits = { maxYoungGenerationSizeMb: 4 };
  const worker = startWorker(new URL('./worker.js', import.meta.url), { resourceLimits });
  /** The callers that wait for an answer, in the order of their requests. */
  const waiting: Waiting[] = [];
  let alive = true;
  let gone: TrackbridgeError | undefined;

  const lose = (cause: unknown): void => {
    alive = false;
    gone ??= new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The thread of the outbox has ended', {
      cause,
      retryAfter: 1_000,
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
  worker.on('message', (message: ThreadReply) => {
    if ('warning' in message) return warn(message.warning);
    const caller = waiting.shift();
    if (!('failure' in message)) return caller?.resolve(message.reply as never);
    if (message.fatal) alive = false;
    caller?.reject(fromFailure(message.failure));
  });

  return {
    get alive() {
      return alive;
    },
    call: (kind, request) =>
      new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone);
        worker.postMessage({ kind, request } satisfies ThreadRequest);
        // Added after sending: a request that could not be sent gets no answer.
        waiting.push({ resolve, reject });
      }),
    end: () => {
      alive = false;
      worker.unref();
      void worker.terminate();
      return ended;
    },
  };
}
