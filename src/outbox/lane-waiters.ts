import { Waiters } from '../core/waiters.js';

/** The callers that wait for events of a sink, by lane. */
export class LaneWaiters {
  readonly #lanes = new Map<number, Waiters>();

  /** Resolves when the lane is woken, or when `signal` aborts. */
  wait(lane: number, signal: AbortSignal): Promise<void> {
    const waiters = this.#lanes.get(lane) ?? new Waiters();
    this.#lanes.set(lane, waiters);
    return waiters.wait(signal);
  }

  wake(lane: number): void {
    this.#lanes.get(lane)?.wake();
  }

  wakeAll(): void {
    for (const waiters of this.#lanes.values()) waiters.wake();
  }

  /** Returns the lanes for which a caller waits. */
  waiting(): readonly number[] {
    return [...this.#lanes].flatMap(([lane, { isEmpty }]) => (isEmpty ? [] : [lane]));
  }
}
