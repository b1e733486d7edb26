import { Waiters } from '../core/waiters.js';

/** Whether an operator has paused a sink. Its lanes check before every claim and every attempt. */
export class Pause {
  readonly #waiters = new Waiters();
  #isOn = false;

  get isOn(): boolean {
    return this.#isOn;
  }

  set(isOn: boolean): void {
    this.#isOn = isOn;
    if (!isOn) this.#waiters.wake();
  }

  /** Resolves once the sink is not paused or `signal` aborts. Never rejects. */
  over(signal: AbortSignal): Promise<void> {
    if (!this.#isOn) return Promise.resolve();
    return this.#waiters.wait(signal);
  }
}
