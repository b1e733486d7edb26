import { TrackbridgeError } from '../core/errors.js';
import type { NewDelivery } from './intake.js';

/** The maximum that waits. Above it the other side cannot keep up, and waiting longer would only cost memory. */
const WAITING_ITEMS = 50_000;
const WAITING_CHARACTERS = 64 * 1024 * 1024;

const RETRY_AFTER = 1_000;

/** The approximate characters of an event beside its JSON text. */
export const OVERHEAD = 200;

/** Returns roughly how many characters a delivery has, with its overhead. */
export function sizeOf({ events, quarantined }: NewDelivery): number {
  let size = OVERHEAD;
  for (const { json } of events) size += json.length + OVERHEAD;
  for (const { raw, delivery } of quarantined) size += raw.length + delivery.length + OVERHEAD;
  return size;
}

/** What waits to be sent to the owner of the store, in the order of arrival, with the size of each item. */
export class SendQueue<Item extends { readonly size: number }> {
  /**
   * Not a Set: a Set that is constantly filled and emptied leaves a chain of its former tables behind, and once one of
   * them reaches the old generation, the garbage collector keeps everything that was ever in one.
   */
  #items: Item[] = [];
  #characters = 0;

  get length(): number {
    return this.#items.length;
  }

  /**
   * Throws OUTBOX_FULL, with `message`, if an item of this size has no room. `held` is the number of items that count
   * towards the limit. An item that is alone always has room.
   */
  checkRoom(size: number, message: string, held = this.#items.length): void {
    const isFull =
      held >= WAITING_ITEMS ||
      (this.#items.length > 0 && this.#characters + size > WAITING_CHARACTERS);
    if (isFull) throw new TrackbridgeError('OUTBOX_FULL', message, { retryAfter: RETRY_AFTER });
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#characters += item.size;
  }

  /** Removes and returns the first items within both limits, but at least one if there is any. */
  take(mostItems: number, mostCharacters: number): Item[] {
    let count = 0;
    let characters = 0;
    for (const { size } of this.#items) {
      if (count >= mostItems || (count > 0 && characters + size > mostCharacters)) break;
      count += 1;
      characters += size;
    }
    this.#characters -= characters;
    return this.#items.splice(0, count);
  }

  /** Returns whether the item was still here. Items that arrived first also time out first, so the search ends soon. */
  remove(item: Item): boolean {
    const at = this.#items.indexOf(item);
    if (at < 0) return false;
    this.#items.splice(at, 1);
    this.#characters -= item.size;
    return true;
  }

  /** Removes and returns all items that match. */
  removeAll(matches: (item: Item) => boolean): Item[] {
    const removed = this.#items.filter(matches);
    if (removed.length > 0) this.#items = this.#items.filter((item) => !matches(item));
    for (const { size } of removed) this.#characters -= size;
    return removed;
  }

  clear(): void {
    this.#items = [];
    this.#characters = 0;
  }
}
