import type { ShelfFilter } from './outbox.js';

/** A shelf of entries in memory, oldest first. */
export class MemoryShelf<Entry extends { readonly id: string }> {
  readonly #entries = new Map<string, Entry>();
  readonly #nameOf: (entry: Entry) => string;
  #lastId = 0;

  constructor(nameOf: (entry: Entry) => string) {
    this.#nameOf = nameOf;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(build: (id: string) => Entry): void {
    this.#lastId += 1;
    const id = String(this.#lastId);
    this.#entries.set(id, build(id));
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  list({ name, after, limit }: ShelfFilter): Entry[] {
    const from = Number(after ?? 0);
    return [...this.#entries.values()]
      .filter((entry) => Number(entry.id) > from)
      .filter((entry) => name === undefined || this.#nameOf(entry) === name)
      .slice(0, Math.min(Math.max(limit, 0), 1_000));
  }

  purge(ids: readonly string[]): number {
    return ids.filter((id) => this.#entries.delete(id)).length;
  }

  count(name: string): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (this.#nameOf(entry) === name) count += 1;
    return count;
  }
}
