export interface RingLimits {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Keeps the newest entries, limited by their number and total size; the oldest is dropped first. `onDropped` is called
 * for each dropped entry, whatever the reason.
 */
export class Ring<Entry extends { readonly id: string }> {
  readonly #limits: RingLimits;
  readonly #onDropped: (entry: Entry) => void;
  /** In the order they were added, which is the order of a Map. */
  readonly #entries = new Map<string, { readonly entry: Entry; bytes: number }>();
  #bytes = 0;

  constructor(limits: RingLimits, onDropped: (entry: Entry) => void = () => undefined) {
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** `bytes`: the entry's current size. An entry larger than the whole ring drops all others and itself. */
  add(entry: Entry, bytes: number): void {
    this.#drop(entry.id);
    this.#entries.set(entry.id, { entry, bytes });
    this.#bytes += bytes;
    this.#makeRoom();
  }

  /** Adds bytes to the size of the entry with this id; does nothing if it was dropped. */
  grow(id: string, bytes: number): void {
    const held = this.#entries.get(id);
    if (held === undefined) return;
    held.bytes += bytes;
    this.#bytes += bytes;
    this.#makeRoom();
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)?.entry;
  }

  /** Returns the current entries, newest first. */
  newest(): Entry[] {
    return [...this.#entries.values()].map(({ entry }) => entry).reverse();
  }

  clear(): void {
    for (const id of [...this.#entries.keys()]) this.#drop(id);
  }

  #makeRoom(): void {
    const { entries, bytes } = this.#limits;
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= entries && this.#bytes <= bytes) return;
      this.#drop(id);
    }
  }

  #drop(id: string): void {
    const held = this.#entries.get(id);
    if (held === undefined) return;
    this.#entries.delete(id);
    this.#bytes -= held.bytes;
    this.#onDropped(held.entry);
  }
}
