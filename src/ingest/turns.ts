import { turn } from '../core/clock.js';
import { budgetSpent } from '../http/deadline.js';

/** Ends a turn. Call it once. */
export type EndTurn = () => void;

/**
 * The size in bytes from which a body or a query waits for its turn before it is authenticated. Events are far smaller,
 * so most senders never wait.
 */
export const LARGE = 64 * 1024;

/**
 * Runs decompression and verification of large unauthenticated deliveries one at a time. The event loop turns at least
 * once between two of them, so a small delivery never waits for more than one, however many strangers send large
 * bodies.
 */
export class Turns {
  readonly #waiting = new Set<(end: EndTurn) => void>();
  #isTaken = false;

  /** Resolves to a function that ends the turn. Rejects with BUDGET_SPENT if `signal` aborts before the turn starts. */
  take(signal: AbortSignal): Promise<EndTurn> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(begin);
        reject(budgetSpent('waiting to verify the delivery'));
      };
      const begin = (end: EndTurn): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(end);
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(begin);
      if (!this.#isTaken) this.#next();
    });
  }

  #next(): void {
    const [begin] = this.#waiting;
    this.#isTaken = begin !== undefined;
    if (begin === undefined) return;
    this.#waiting.delete(begin);
    // Input that arrived meanwhile is read before the next turn begins.
    begin(() => void turn().then(() => this.#next()));
  }
}

/**
 * How much of a large body is read before other bodies continue, and how many bodies continue per turn of the event
 * loop: 1 MB in total takes about a millisecond. The system delivers up to 2 MB per connection at a time, and 30 of
 * them would take 100 ms.
 */
export const READ_AT_ONCE = 256 * 1024;
const READERS = 4;

/** Paces the reading of large bodies, in the order in which they have data to read. A slow sender holds no slot. */
export class Pace {
  #waiting: (() => void)[] = [];

  /** Resolves when this body may be read further. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) void this.#release();
    });
  }

  async #release(): Promise<void> {
    while (this.#waiting.length > 0) {
      await turn();
      const readers = this.#waiting.slice(0, READERS);
      this.#waiting = this.#waiting.slice(READERS);
      for (const go of readers) go();
    }
  }
}
