/** How long events took from the answer to the arrival at a sink. */
export class Delays {
  readonly #acknowledged = new Map<string, number>();
  readonly #delays: number[] = [];

  /** These were answered 200 now. What arrived before that took no time. */
  acknowledged(ids: readonly string[]): void {
    const now = performance.now();
    for (const id of ids) {
      if (this.#acknowledged.get(id) === 0) this.#delays.push(0);
      this.#acknowledged.set(id, now);
    }
  }

  /** These arrived now, for the first time. */
  arrived(ids: readonly string[]): void {
    const now = performance.now();
    for (const id of ids) {
      const since = this.#acknowledged.get(id);
      if (since === undefined) this.#acknowledged.set(id, 0);
      else this.#delays.push(now - since);
    }
  }

  /** The delay in milliseconds that this share of the events did not exceed; NaN where none arrived. */
  at(share: number): number {
    const sorted = [...this.#delays].sort((a, b) => a - b);
    const index = Math.min(Math.floor(sorted.length * share), sorted.length - 1);
    return Math.round(sorted[index] ?? Number.NaN);
  }
}
