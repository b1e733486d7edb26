/** Runs work concurrently, except for work that must run alone. */
export class Gate {
  readonly #together = new Set<Promise<unknown>>();
  #alone: Promise<unknown> = Promise.resolve();

  /** Runs `work` concurrently with other such work, after all earlier requests to run alone. Settles as `work` does. */
  async together<T>(work: () => Promise<T>): Promise<T> {
    for (let awaited: unknown; awaited !== this.#alone; ) {
      awaited = this.#alone;
      await awaited;
    }
    const running = work();
    this.#together.add(running);
    try {
      return await running;
    } finally {
      this.#together.delete(running);
    }
  }

  /** Runs `work` when everything before it has ended, with nothing else running. Settles as `work` does. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#alone;
    const running = (async () => {
      await before;
      await Promise.allSettled(this.#together);
      return await work();
    })();
    this.#alone = running.catch(() => {});
    return await running;
  }
}
