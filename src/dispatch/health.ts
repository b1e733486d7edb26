import type { Circuit } from './breaker.js';
import { oneLine } from './one-line.js';

export interface SinkState extends SinkHealth, Circuit {}

export interface SinkHealth {
  readonly name: string;
  /** `backing-off`: at least one lane waits to try again. `opening`: not opened yet, by itself a reason for retries. */
  readonly state: 'running' | 'backing-off' | 'opening' | 'stopped';
  /** What last went wrong, also where it has been cured since: see `failuresInARow`. */
  readonly lastError?: string;
  /** Failed attempts since the last one that got anything through, over all lanes. */
  readonly failuresInARow: number;
}

/** What an operator sees of a sink; its lanes write it, the admin API reads it. */
export class Health {
  readonly #name: string;
  #phase: 'opening' | 'running' | 'stopped' = 'stopped';
  #backingOff = 0;
  #failures = 0;
  #lastError: string | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  enter(phase: 'opening' | 'running' | 'stopped'): void {
    this.#phase = phase;
  }

  failed(error: string): void {
    this.#failures++;
    this.#lastError = oneLine(error);
  }

  /** Something got through; `error` is what did not. */
  worked(error?: string): void {
    this.#failures = 0;
    if (error !== undefined) this.#lastError = oneLine(error);
  }

  /** Runs a wait during which the sink counts as backing off. */
  async whileBackingOff<T>(wait: Promise<T>): Promise<T> {
    this.#backingOff++;
    try {
      return await wait;
    } finally {
      this.#backingOff--;
    }
  }

  snapshot(): SinkHealth {
    const running = this.#phase === 'running';
    return {
      name: this.#name,
      state: running && this.#backingOff > 0 ? 'backing-off' : this.#phase,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      failuresInARow: this.#failures,
    };
  }
}
