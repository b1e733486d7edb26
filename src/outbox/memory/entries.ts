import { type Bounds, sharesOf } from '../bounds.js';
import type { EntryFilter } from '../entries.js';

interface Entry {
  readonly id: string;
}

export interface MemoryEntriesOptions<E extends Entry> {
  readonly bounds: Bounds;
  /** Returns the sink or source that an entry counts for. */
  readonly nameOf: (entry: E) => string;
  /** Milliseconds since the epoch. */
  readonly timeOf: (entry: E) => number;
  /** Called with each entry that a limit drops. */
  readonly onDropped: (entry: E, bound: keyof Bounds) => void;
}

/** Entries in memory, oldest first, within their limits. */
export class MemoryEntries<E extends Entry> {
  readonly #entries = new Map<string, E>();
  readonly #counts = new Map<string, number>();
  readonly #options: MemoryEntriesOptions<E>;
  #lastId = 0;

  constructor(options: MemoryEntriesOptions<E>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(build: (id: string) => E): void {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const entry = build(id);
    this.#entries.set(id, entry);
    this.#count(entry, 1);
  }

  get(id: string): E | undefined {
    return this.#entries.get(id);
  }

  list({ name, after, limit }: EntryFilter): E[] {
    const from = Number(after ?? 0);
    return [...this.#entries.values()]
      .filter((entry) => Number(entry.id) > from)
      .filter((entry) => name === undefined || this.#options.nameOf(entry) === name)
      .slice(0, Math.min(Math.max(limit, 0), 1_000));
  }

  /** Removes and returns an entry; undefined if it does not exist. */
  take(id: string): E | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    this.#count(entry, -1);
    return entry;
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Drops the entries above the limits. */
  keepBounds(now: number): void {
    const { bounds, nameOf, timeOf } = this.#options;
    for (const entry of this.#entries.values()) {
      const time = timeOf(entry);
      if (time <= now - bounds.keep) this.#drop(entry, 'keep');
      // An entry stored while the clock was ahead must not hide the older ones behind it.
      else if (time <= now) break;
    }
    if (this.size <= bounds.max) return;
    const shares = new Map(sharesOf(this.#counts, this.size - bounds.max));
    for (const entry of this.#entries.values()) {
      const share = shares.get(nameOf(entry)) ?? 0;
      if (share === 0) continue;
      this.#drop(entry, 'max');
      shares.set(nameOf(entry), share - 1);
    }
  }

  #drop(entry: E, bound: keyof Bounds): void {
    this.take(entry.id);
    this.#options.onDropped(entry, bound);
  }

  #count(entry: E, by: 1 | -1): void {
    const name = this.#options.nameOf(entry);
    this.#counts.set(name, this.count(name) + by);
  }
}
