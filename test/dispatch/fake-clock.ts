import type { Clock } from '../../src/core/clock.js';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** Lets everything that is ready run: promises only, so one turn of the event loop drains them all. */
export function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A clock that stands still until a test moves it. The wall can be set apart from the time that passes. */
export class FakeClock implements Clock {
  #wall = 1_700_000_000_000;
  #elapsed = 0;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { until: this.#elapsed + Math.max(ms, 0), wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** How many sleeps are under way. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Sets the wall clock without any time passing. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Moves on by `ms`, waking every sleeper at its own time and letting it act before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await idle();
    for (let next = this.#next(); next !== undefined && next <= end; next = this.#next()) {
      this.#to(next);
      await idle();
    }
    this.#to(end);
    await idle();
  }

  /** Moves from sleeper to sleeper until `done`, or fails after `limit` milliseconds of its own time. */
  async until(done: () => boolean, limit = 86_400_000): Promise<void> {
    const end = this.#elapsed + limit;
    await idle();
    while (!done()) {
      const next = this.#next();
      if (next === undefined) throw new Error('nothing is going on any more, and it is not done');
      if (next > end) throw new Error(`not done within ${limit} ms`);
      this.#to(next);
      await idle();
    }
  }

  #next(): number | undefined {
    if (this.#sleepers.length === 0) return undefined;
    return Math.max(Math.min(...this.#sleepers.map(({ until }) => until)), this.#elapsed);
  }

  #to(time: number): void {
    this.#wall += time - this.#elapsed;
    this.#elapsed = time;
    for (const { until, wake } of [...this.#sleepers]) if (until <= time) wake();
  }
}
