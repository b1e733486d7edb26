import type { Attempt, SinkBacklog } from './outbox.js';

export interface MemoryEvent {
  readonly id: string;
  readonly orderKey: string;
  readonly json: string;
  readonly receivedAt: number;
}

export interface OpenEvent extends MemoryEvent {
  readonly attempts: Attempt[];
}

/** What is open for one sink, oldest first. */
export class MemorySink {
  readonly name: string;
  /** Set by the consumer there is. */
  onPush: ((event: OpenEvent) => void) | undefined;
  readonly #open = new Map<string, OpenEvent>();
  #delivered = 0;

  constructor(name: string) {
    this.name = name;
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

  settle(id: string, delivered: boolean): void {
    if (this.#open.delete(id) && delivered) this.#delivered += 1;
  }

  backlog(): Omit<SinkBacklog, 'deadLetters'> {
    const [oldest] = this.#open.values();
    const backlog = { name: this.name, pending: this.#open.size, delivered: this.#delivered };
    return oldest === undefined ? backlog : { ...backlog, oldestReceivedAt: oldest.receivedAt };
  }
}
