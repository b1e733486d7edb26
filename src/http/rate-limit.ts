import type { Clock } from '../clock.js';

/** What fractions lose in the last digits: who waits for exactly as long as it was told must pass. */
const ROUNDING = 1e-9;

/** Nobody is asked to wait for longer, milliseconds, however rare the rate: who comes too early is only asked again. */
const LONGEST_WAIT = 3_600_000;

/** A token bucket: `perSecond` deliveries on average, `burst` at once. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(options: { readonly perSecond: number; readonly burst: number }, clock: Clock) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#clock = clock;
    this.#tokens = options.burst;
    this.#filledAt = clock.monotonic();
  }

  /** Takes one delivery: 0 where it may pass, else the milliseconds after which the next one may. */
  take(): number {
    const wait = this.wait();
    if (wait === 0) this.#tokens = Math.max(0, this.#tokens - 1);
    return wait;
  }

  /** What `take` would say now, without taking anything. */
  wait(): number {
    const now = this.#clock.monotonic();
    const earned = ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#filledAt = now;
    if (this.#tokens >= 1 - ROUNDING) return 0;
    return Math.min(((1 - this.#tokens) / this.#perSecond) * 1000, LONGEST_WAIT);
  }
}
