import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';
import { TrackbridgeError } from '../errors.js';

/** How much earlier than due a deadline may come: an answer may be early, never late. */
const SHARED_FOR = 10;

interface Shared {
  readonly due: number;
  readonly signal: AbortSignal;
}

/**
 * The deadlines of all requests. Segment gives up after five seconds, so an answer that comes later is a lost answer:
 * every step that can wait takes its request's signal.
 *
 * Requests whose deadlines fall into the same 10 ms share one signal and one timer: a controller, a signal and a timer of
 * their own cost each request 4 µs and as many kilobytes.
 */
export class Deadlines {
  readonly #clock: Clock;
  #last: Shared | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A signal that aborts in `milliseconds`, or up to 10 ms sooner; at once where nothing is left. */
  in(milliseconds: number): AbortSignal {
    if (milliseconds <= 0) return AbortSignal.abort();
    const due = this.#clock.monotonic() + milliseconds;
    const last = this.#last;
    if (last !== undefined && last.due <= due && due - last.due < SHARED_FOR) return last.signal;
    const controller = new AbortController();
    const { signal } = controller;
    setMaxListeners(0, signal);
    // Unreferenced: a deadline without a request must not keep the process from ending.
    setTimeout(() => controller.abort(), milliseconds).unref();
    this.#last = { due, signal };
    return signal;
  }
}

/** The budget went by while something of ours was slow: the sender is asked to come again. */
export function budgetSpent(what: string): TrackbridgeError {
  return new TrackbridgeError(
    'BUDGET_SPENT',
    `${what} took longer than server.budget; send it again`,
    { retryAfter: 1000 },
  );
}
