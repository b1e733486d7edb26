import type { Clock } from '../../src/core/clock.js';

/** A clock that stands still until it is moved. */
export class StillClock implements Clock {
  #now: number;
  #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  constructor(now = 1_790_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper = { until: this.#now + ms, wake: (): void => done() };
      const done = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Moves the wall clock by `ms`, backwards as well, and wakes whoever has slept long enough. */
  move(ms: number): void {
    this.#now += ms;
    for (const { until, wake } of [...this.#sleepers]) if (until <= this.#now) wake();
  }
}
