interface Waiting {
  readonly alone: boolean;
  readonly enter: () => void;
}

/** Admits work in order of arrival, any number together or one alone. */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #inside = 0;
  #alone = false;

  /**
   * Resolves to a function that ends the turn, to be called once; to undefined if `signal` aborts before the turn
   * began.
   */
  enter(alone: boolean, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        resolve(undefined);
        this.#admit();
      };
      const waiting: Waiting = {
        alone,
        enter: () => {
          signal.removeEventListener('abort', leave);
          this.#inside += 1;
          this.#alone = alone;
          resolve(() => this.#end());
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiting);
      this.#admit();
    });
  }

  #end(): void {
    this.#inside -= 1;
    this.#alone = false;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#alone || (next.alone && this.#inside > 0)) return;
      this.#waiting.shift();
      next.enter();
    }
  }
}
