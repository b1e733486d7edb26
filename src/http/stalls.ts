import { type Clock, every } from '../core/clock.js';

/** Interval of the check that the event loop runs, in milliseconds. */
const SAMPLE_EVERY = 50;

/** A check that is later than this, in milliseconds, counts as a stall; a shorter delay is ordinary load. */
const TOLERANCE = 100;

/** Milliseconds. Older stalls are irrelevant, because no request takes longer. */
const KEPT_FOR = 30_000;

/**
 * The share of the budget from which a stall counts as the cause of a late request. Bytes that arrived during the stall
 * are read before any request is rejected, so a short stall costs a sender no time unless its body did not fit the
 * system's buffer.
 */
const OURS = 0.5;

interface Stall {
  readonly from: number;
  readonly until: number;
}

/**
 * Records when the process itself did not run: it was stopped, its machine slept, or something blocked the event loop.
 * A request that is late because of that is not the sender's fault, and a 4xx would make both vendors drop the event.
 */
export class Stalls {
  readonly #clock: Clock;
  #stalls: Stall[] = [];
  #lookedAt: number | undefined;
  #stop: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#lookedAt ??= this.#clock.monotonic();
    this.#stop ??= every(SAMPLE_EVERY, () => this.sample());
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#lookedAt = undefined;
  }

  /** Whether the process did not run for most of `budget` milliseconds since `at`. */
  tookMostOf(budget: number, at: number): boolean {
    return this.#since(at) > budget * OURS;
  }

  /** Called by the timer that `start` starts. */
  sample(): void {
    const now = this.#clock.monotonic();
    const stall = this.#now(now);
    if (stall !== undefined) this.#stalls.push(stall);
    if (this.#stalls.length > 0) {
      this.#stalls = this.#stalls.filter(({ until }) => now - until < KEPT_FOR);
    }
    this.#lookedAt = now;
  }

  /** The stall that ends now, if the timer has not recorded it yet. */
  #now(now: number): Stall | undefined {
    const from = this.#lookedAt ?? now;
    return now - from > SAMPLE_EVERY + TOLERANCE ? { from, until: now } : undefined;
  }

  #since(at: number): number {
    const current = this.#now(this.#clock.monotonic());
    const all = current === undefined ? this.#stalls : [...this.#stalls, current];
    return all.reduce((sum, { from, until }) => sum + Math.max(0, until - Math.max(from, at)), 0);
  }
}
