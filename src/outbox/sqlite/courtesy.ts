import { turn } from '../../core/clock.js';

/** The number of deliveries that are answered in one turn of the event loop while a sink lags. */
const PER_TURN = 8;

/**
 * Lets a few callers at a time continue, in order. A commit ends for dozens of deliveries at once. If all of them are
 * answered in one turn of the event loop, their senders send the next ones together. The loop then handles dozens of
 * deliveries for each answer that a lane of a sink waits for, and the sinks starve.
 */
export class Courtesy {
  readonly #waiting: (() => void)[] = [];
  #isRunning = false;

  /** Resolves when it is the caller's turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      for (const resolve of this.#waiting.splice(0, PER_TURN)) resolve();
      await turn();
    }
    this.#isRunning = false;
  }
}
