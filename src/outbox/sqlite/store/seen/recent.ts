import { KEY_LENGTH } from './entry.js';

const WORDS = KEY_LENGTH / 4;

/**
 * Keys in memory with what is remembered of them. Slots are ordered by the first bits of the key, so iterating over
 * them visits the keys in nearly the order of the tables, without sorting. They are arrays of numbers, because a Map of
 * a hundred thousand texts takes three times the memory, and costs the garbage collector and the processor's cache as
 * much again as the rest of the lookup.
 */
export class RecentIds {
  #bits: number;
  #words: Uint32Array;
  /** 0 if the slot is free. */
  #memories: Float64Array;
  #size = 0;

  /** Grows beyond `expected` keys if necessary. */
  constructor(expected: number) {
    // At most half full: then a lookup hardly ever tries a third slot.
    this.#bits = Math.max(1, Math.ceil(Math.log2(expected * 2)));
    this.#words = new Uint32Array(WORDS << this.#bits);
    this.#memories = new Float64Array(1 << this.#bits);
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): number | undefined {
    const memory = this.#memories[this.#slotOf(key)];
    return memory === 0 ? undefined : memory;
  }

  set(key: string, memory: number): void {
    if (this.#size * 2 >= this.#memories.length) this.#grow();
    const slot = this.#slotOf(key);
    if (this.#memories[slot] === 0) {
      this.#size += 1;
      for (let at = 0; at < WORDS; at += 1) this.#words[slot * WORDS + at] = wordOf(key, at);
    }
    this.#memories[slot] = memory;
  }

  clear(): void {
    this.#memories.fill(0);
    this.#size = 0;
  }

  /**
   * Returns at least `count` entries from the slot `from` on, or all remaining ones, and the slot to continue from,
   * undefined if none remain. Slots stay valid as long as nothing is added.
   */
  slice(from: number, count: number): { entries: [string, number][]; next: number | undefined } {
    const entries: [string, number][] = [];
    let slot = from;
    for (; slot < this.#memories.length && entries.length < count; slot += 1) {
      const memory = this.#memories[slot] ?? 0;
      if (memory !== 0) entries.push([this.#keyAt(slot), memory]);
    }
    return { entries, next: slot < this.#memories.length ? slot : undefined };
  }

  /** Returns the slot that holds the key, or the free slot where it belongs. */
  #slotOf(key: string): number {
    const last = this.#memories.length - 1;
    let slot = wordOf(key, 0) >>> (32 - this.#bits);
    while (this.#memories[slot] !== 0 && !this.#isAt(slot, key))
      slot = slot === last ? 0 : slot + 1;
    return slot;
  }

  #isAt(slot: number, key: string): boolean {
    for (let at = 0; at < WORDS; at += 1) {
      if (this.#words[slot * WORDS + at] !== wordOf(key, at)) return false;
    }
    return true;
  }

  #keyAt(slot: number): string {
    let key = '';
    for (let at = slot * WORDS; at < (slot + 1) * WORDS; at += 1) {
      const word = this.#words[at] ?? 0;
      key += String.fromCharCode(word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255);
    }
    return key;
  }

  #grow(): void {
    const { entries } = this.slice(0, this.#size);
    this.#bits += 1;
    this.#words = new Uint32Array(WORDS << this.#bits);
    this.#memories = new Float64Array(1 << this.#bits);
    this.#size = 0;
    for (const [key, memory] of entries) this.set(key, memory);
  }
}

/** Returns four bytes of a key as a big-endian number. */
function wordOf(key: string, at: number): number {
  const first = at * 4;
  return (
    ((key.charCodeAt(first) << 24) |
      (key.charCodeAt(first + 1) << 16) |
      (key.charCodeAt(first + 2) << 8) |
      key.charCodeAt(first + 3)) >>>
    0
  );
}
