export interface RingLimits {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * The newest entries, bounded by their number and by what they hold together; the oldest goes first. `onDropped` is called
 * with each that goes, whatever the reason.
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

  /** `bytes`: what the entry holds now. One that is larger than the whole ring drops all others and itself. */
  add(entry: Entry, bytes: number): void {
    this.#drop(entry.id);
    this.#entries.set(entry.id, { entry, bytes });
    this.#bytes += bytes;
    this.#makeRoom();
  }

  /** The entry of this id holds so many bytes more; nothing where it is gone already. */
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

  /** Newest first, as they are now. */
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
