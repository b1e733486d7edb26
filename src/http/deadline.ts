import { TrackbridgeError } from '../errors.js';

/**
 * The one deadline of a request. Segment gives up after five seconds, so an answer that comes later is a lost answer:
 * every step that can wait takes this signal.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  /** `milliseconds` are what is left of the budget; nothing left is an immediate abort. */
  constructor(milliseconds: number) {
    this.#timer = setTimeout(() => this.#controller.abort(), Math.max(0, milliseconds));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The answer is on its way; the timer must not outlive it. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Waits for `work`, but no longer than the signal allows: then rejects with `late`. The work itself runs on, and its
 * own rejection is taken note of, so that it never surfaces as unhandled.
 */
export function within<T>(
  work: Promise<T>,
  signal: AbortSignal,
  late: () => TrackbridgeError,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(late());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** The budget went by while something of ours was slow: the sender is asked to come again. */
export function budgetSpent(what: string): TrackbridgeError {
  return new TrackbridgeError(
    'BUDGET_SPENT',
    `${what} took longer than server.budget; send it again`,
    {
      retryAfter: 1000,
    },
  );
}
