import type { Attempt, Settlement } from '../feed.js';
import { excessOf, type SinkLimit } from '../limits.js';
import type { SinkBacklog } from '../statistics.js';

export interface MemoryEvent {
  readonly id: string;
  readonly orderKey: string;
  readonly json: string;
  readonly receivedAt: number;
}

export interface OpenEvent extends MemoryEvent {
  readonly attempts: Attempt[];
}

/** The open events of one sink, oldest first. */
export class MemorySink {
  readonly name: string;
  limit: SinkLimit;
  /** Set by the current consumer. */
  onPush: ((event: OpenEvent) => void) | undefined;
  /** Tells the consumer that the oldest events are no longer pending. */
  onVoid: (() => void) | undefined;
  paused = false;
  readonly #open = new Map<string, OpenEvent>();
  #delivered = 0;
  #filtered = 0;
  #discarded = 0;

  constructor(name: string, limit: SinkLimit) {
    this.name = name;
    this.limit = limit;
  }

  get pending(): number {
    return this.#open.size;
  }

  push(event: MemoryEvent): void {
    const open: OpenEvent = { ...event, attempts: [] };
    this.#open.set(event.id, open);
    this.onPush?.(open);
  }

  open(): IterableIterator<OpenEvent> {
    return this.#open.values();
  }

  get(id: string): OpenEvent | undefined {
    return this.#open.get(id);
  }

  settle(id: string, outcome: Settlement['outcome']): void {
    if (!this.#open.delete(id)) return;
    if (outcome === 'done') this.#delivered += 1;
    if (outcome === 'filtered') this.#filtered += 1;
  }

  /** Removes the events above the limit from the backlog, oldest first, and returns them. */
  takeExcess(): readonly OpenEvent[] {
    const taken = this.#take(excessOf(this.pending, this.limit));
    if (this.limit.full === 'drop-oldest') this.#discarded += taken.length;
    return taken;
  }

  /** Discards the whole backlog and returns the number of events. */
  purge(): number {
    const { length } = this.#take(this.pending);
    this.#discarded += length;
    return length;
  }

  backlog(): Omit<SinkBacklog, 'deadLetters'> {
    const [oldest] = this.#open.values();
    const backlog = {
      name: this.name,
      pending: this.#open.size,
      delivered: this.#delivered,
      filtered: this.#filtered,
      discarded: this.#discarded,
      missed: 0,
      ...this.limit,
      paused: this.paused,
    };
    return oldest === undefined ? backlog : { ...backlog, oldestReceivedAt: oldest.receivedAt };
  }

  #take(count: number): readonly OpenEvent[] {
    const taken: OpenEvent[] = [];
    for (const event of this.#open.values()) {
      if (taken.length >= count) break;
      taken.push(event);
    }
    for (const { id } of taken) this.#open.delete(id);
    if (taken.length > 0) this.onVoid?.();
    return taken;
  }
}
