/** Lets work run side by side, but for some that runs alone. */
export class Gate {
  readonly #together = new Set<Promise<unknown>>();
  #alone: Promise<unknown> = Promise.resolve();

  /** Runs beside other such work, after all that asked to run alone before it. Settles as `work` does. */
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

  /** Runs when everything before it has ended, and nothing beside it. Settles as `work` does. */
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
