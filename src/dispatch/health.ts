import type { Circuit } from './circuit/breaker.js';
import { errorText } from './error-text.js';

export interface SinkState extends SinkHealth, Circuit {}

export interface SinkHealth {
  readonly name: string;
  /**
   * `paused`: by an operator. `backing-off`: at least one lane waits for a retry. `opening`: not open yet; opening is
   * retried.
   */
  readonly state: 'running' | 'backing-off' | 'opening' | 'paused' | 'stopped';
  /** The most recent error, even if it no longer occurs: see `failuresInARow`. */
  readonly lastError?: string;
  /** Failed attempts since the last success, over all lanes. */
  readonly failuresInARow: number;
}

/** A sink's state as operators see it. Its lanes write it; the admin API reads it. */
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
    this.#lastError = errorText(error);
  }

  /** Something was delivered; `error` describes what was not. */
  worked(error?: string): void {
    this.#failures = 0;
    if (error !== undefined) this.#lastError = errorText(error);
  }

  /** Awaits a wait during which the sink counts as backing off. */
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
