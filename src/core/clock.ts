/** The only source of time, so that tests can stop and advance it. */
export interface Clock {
  /** Wall time in milliseconds since the epoch. May jump in either direction. */
  now(): number;
  /** Milliseconds from an arbitrary start that never run backward: for ages, deadlines and waiting. */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds, or immediately when `signal` aborts. It never rejects; check the signal
   * afterward.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

// Node turns a longer delay into one millisecond.
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), LONGEST_TIMER));
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** Runs `work` every `ms` milliseconds until the returned function is called. Does not keep the process alive. */
export function every(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms).unref();
  return () => clearInterval(timer);
}

/**
 * Runs `work` once after `ms` milliseconds unless the returned function is called first. Does not keep the process
 * alive.
 */
export function after(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, Math.min(Math.max(ms, 0), LONGEST_TIMER)).unref();
  return () => clearTimeout(timer);
}

/** Returns a signal that aborts with a TimeoutError after `ms` milliseconds. Does not keep the process alive. */
export function timeLimit(ms: number): AbortSignal {
  // Node rejects fractions.
  return AbortSignal.timeout(Math.ceil(Math.max(ms, 0)));
}

/** Resolves in the next turn of the event loop, after all work that is ready now. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Waits for `work` until `signal` aborts; then it settles with the result of `late`, which may throw. The work itself
 * continues. A later rejection is ignored and never becomes an unhandled rejection.
 */
export function within<T, L = never>(
  work: PromiseLike<T>,
  signal: AbortSignal,
  late: () => L,
): Promise<T | L> {
  return new Promise<T | L>((resolve, reject) => {
    const onAbort = (): void => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const done = (): void => signal.removeEventListener('abort', onAbort);
    work.then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(error);
      },
    );
  });
}

/**
 * The reason to abort a signal that only ends a wait. Without a reason, `abort` creates a DOMException with its stack,
 * which costs more than the wait.
 */
export const WAIT_OVER = 'The wait is over';

/** Like `within`, with a limit of `ms` milliseconds of `clock`. */
export function withinTime<T, L = never>(
  work: PromiseLike<T>,
  ms: number,
  clock: Clock,
  late: () => L,
): Promise<T | L> {
  const settled = new AbortController();
  return new Promise<T | L>((resolve, reject) => {
    clock
      .sleep(ms, settled.signal)
      .then(() => {
        if (!settled.signal.aborted) resolve(late());
      })
      .catch(reject);
    work.then(
      (value) => {
        settled.abort(WAIT_OVER);
        resolve(value);
      },
      (error: unknown) => {
        settled.abort(WAIT_OVER);
        reject(error);
      },
    );
  });
}
