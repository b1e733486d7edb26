import type { Clock } from './clock.js';

/** Tolerance for rounding errors: a sender that waits exactly as long as it was told must pass. */
const ROUNDING = 1e-9;

/** Maximum wait in milliseconds, however low the rate. A sender that retries too early is only told to wait again. */
const LONGEST_WAIT = 3_600_000;

/** A token bucket: `perSecond` deliveries on average, up to `burst` at once. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #sharers = 1;
  #tokens: number;
  #filledAt: number;

  constructor(options: { readonly perSecond: number; readonly burst: number }, clock: Clock) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#clock = clock;
    this.#tokens = options.burst;
    this.#filledAt = clock.monotonic();
  }

  /** Admits one delivery and returns 0, or returns the milliseconds until the next one may pass. */
  take(): number {
    const wait = this.wait();
    if (wait === 0) this.#tokens = Math.max(0, this.#tokens - 1);
    return wait;
  }

  /** From now on, this process has an equal part of the limit, of `sharers` processes. At least one delivery may pass. */
  divide(sharers: number): void {
    if (sharers === this.#sharers) return;
    this.wait();
    this.#sharers = Math.max(1, sharers);
  }

  /** Returns what `take` would return now, without admitting a delivery. */
  wait(): number {
    const now = this.#clock.monotonic();
    const perSecond = this.#perSecond / this.#sharers;
    const burst = Math.max(1, this.#burst / this.#sharers);
    const earned = ((now - this.#filledAt) / 1000) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + earned);
    this.#filledAt = now;
    if (this.#tokens >= 1 - ROUNDING) return 0;
    return Math.min(((1 - this.#tokens) / perSecond) * 1000, LONGEST_WAIT);
  }
}
