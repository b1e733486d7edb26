import { setMaxListeners } from 'node:events';
import { after, type Clock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';

/** Milliseconds a deadline may fire early: an answer may be early, never late. */
const SHARED_FOR = 10;

interface Shared {
  readonly due: number;
  readonly signal: AbortSignal;
}

/**
 * The deadlines of all requests. Segment gives up after five seconds, so a later answer is lost. Every step that can
 * wait receives its request's signal.
 *
 * Requests whose deadlines are within the same 10 ms share one signal and one timer. Separate ones would cost each
 * request 4 µs and 4 kB.
 */
export class Deadlines {
  readonly #clock: Clock;
  #last: Shared | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns a signal that aborts in `milliseconds`, or up to 10 ms earlier; immediately if no time is left. */
  in(milliseconds: number): AbortSignal {
    if (milliseconds <= 0) return AbortSignal.abort();
    const due = this.#clock.monotonic() + milliseconds;
    const last = this.#last;
    if (last !== undefined && last.due <= due && due - last.due < SHARED_FOR) return last.signal;
    const controller = new AbortController();
    const { signal } = controller;
    setMaxListeners(0, signal);
    after(milliseconds, () => controller.abort());
    this.#last = { due, signal };
    return signal;
  }
}

/** The error for a delivery that this receiver was too slow for. The sender is asked to retry. */
export function budgetSpent(what: string): TrackbridgeError {
  return new TrackbridgeError(
    'BUDGET_SPENT',
    `${what} took longer than server.budget; retry the delivery`,
    { retryAfter: 1000 },
  );
}
