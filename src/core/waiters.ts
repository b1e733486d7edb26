/** Callers that wait until they are woken. */
export class Waiters {
  readonly #wakes = new Set<() => void>();

  get isEmpty(): boolean {
    return this.#wakes.size === 0;
  }

  /** Resolves with the next `wake`, or when `signal` aborts. Never rejects, and leaves nothing behind. */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wakes.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakes.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  /** Wakes every caller that waits now. */
  wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }
}
