import { Worker } from 'node:worker_threads';
import { TrackbridgeError } from '../errors.js';
import { fromFailure } from './sqlite-failure.js';
import type { Failure, RequestKind, Requests } from './sqlite-messages.js';

/** The thread that owns the SQLite connection, as the event loop sees it. */
export interface StoreThread {
  /** False once its connection may no longer be used, or it has ended. */
  readonly alive: boolean;
  /** Requests are answered in the order they were made. Rejects with a TrackbridgeError. */
  call<Kind extends RequestKind>(
    kind: Kind,
    request: Requests[Kind]['request'],
  ): Promise<Requests[Kind]['reply']>;
  /**
   * Ends the thread; resolves once it has let go of the store. One that hangs in a system call ends only when that
   * returns, so nobody should wait for this without a limit.
   */
  end(): Promise<void>;
}

export interface ThreadRequest {
  readonly kind: RequestKind;
  readonly request: Requests[RequestKind]['request'];
}

/** One a request, in their order, and warnings in between. */
export type ThreadReply =
  | { readonly warning: string }
  | { readonly reply: Requests[RequestKind]['reply'] }
  | { readonly failure: Failure; readonly fatal: boolean };

interface Waiting {
  // One line holds callers of every kind; `call` knows which reply belongs to which.
  readonly resolve: (reply: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Starts the thread. It exists because a disk can take seconds for one fdatasync: on the event loop that would stop the
 * timers which answer in time. `warn` is told, in one line, what is wrong though the store goes on.
 */
export function startStoreThread(warn: (message: string) => void): StoreThread {
  const worker = startWorker();
  /** Whoever waits for an answer, in the order of their requests. */
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
        // After it: what could not be sent is not answered.
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

function startWorker(): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    // It makes little garbage; left to itself its young generation grows to 8 MB more for nothing.
    const resourceLimits = { maxYoungGenerationSizeMb: 4 };
    return new Worker(new URL('./sqlite-worker.js', import.meta.url), { resourceLimits });
  }
  // Run from the sources, as the tests do: Node 20 reads no TypeScript, and `--import tsx` has no effect on a worker's
  // entry there, so the entry is a line that loads tsx first.
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const entry = JSON.stringify(new URL('./sqlite-worker.ts', import.meta.url).href);
  const code = `import(${tsx}).then((tsx) => { tsx.register(); return import(${entry}); })`;
  return new Worker(code, { eval: true, execArgv: [] });
}
