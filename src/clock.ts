/** The only source of time, so that tests can hold it still and move it. */
export interface Clock {
  /** Wall time in milliseconds since the epoch. May jump in either direction. */
  now(): number;
  /** Milliseconds from an arbitrary start that never run backwards: for ages, deadlines and waiting. */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds, or at once when `signal` aborts; it never rejects, the caller looks at its signal.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

// Node turns a longer delay into one millisecond instead of waiting.
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

/**
 * Waits for `work`, but no longer than the signal allows: then rejects with `late`. The work itself runs on, and its
 * own rejection is taken note of, so that it never surfaces as unhandled.
 */
export function within<T>(work: Promise<T>, signal: AbortSignal, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(late());
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
