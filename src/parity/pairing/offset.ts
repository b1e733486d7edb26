/** The number of the latest pairs whose median counts. */
const REMEMBERED = 401;
/** From this number of pairs on the median is trusted. */
const TRUSTED = 20;
/** The median is computed again after this number of new pairs. */
const RENEWED_EVERY = 20;
/** Libraries beyond this number share one offset. */
const MOST_LIBRARIES = 100;

/**
 * Learns the offset between the call times of both sides: the median of right minus left, over pairs that had no other
 * candidate. There is one for each pair of libraries.
 */
export class Offsets {
  readonly #samples = new Map<string, Samples>();

  /** Returns milliseconds; undefined until enough pairs are known. */
  of(libraries: string): number | undefined {
    return this.#samples.get(this.#key(libraries))?.median;
  }

  /** `difference`: right minus left, in milliseconds. */
  learn(libraries: string, difference: number): void {
    const key = this.#key(libraries);
    const samples = this.#samples.get(key) ?? new Samples();
    this.#samples.set(key, samples);
    samples.add(difference);
  }

  #key(libraries: string): string {
    return this.#samples.has(libraries) || this.#samples.size < MOST_LIBRARIES ? libraries : '';
  }
}

class Samples {
  median: number | undefined;
  readonly #latest: number[] = [];
  #seen = 0;

  add(difference: number): void {
    this.#latest[this.#seen % REMEMBERED] = difference;
    this.#seen += 1;
    if (this.#seen < TRUSTED || this.#seen % RENEWED_EVERY !== 0) return;
    const sorted = [...this.#latest].sort((a, b) => a - b);
    this.median = sorted[Math.floor(sorted.length / 2)];
  }
}
