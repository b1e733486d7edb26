import type { Attempt, Claim, Consumer, Fits, Lease, Settlement } from '../feed.js';
import { LaneWaiters } from '../lane-waiters.js';
import { orderHash } from '../order-hash.js';
import { ProcessLease } from '../process-lease.js';
import type { MemorySink, OpenEvent } from './sink.js';

interface Dead {
  readonly sink: string;
  readonly at: number;
  readonly attempts: readonly Attempt[];
  readonly orderKey: string;
  readonly json: string;
}

export interface MemoryConsumerDeps {
  readonly onDead: (letter: Dead) => void;
  /** Called with the ids that are finally settled. */
  readonly onSettled: (ids: readonly string[]) => void;
  readonly onClose: () => void;
}

/** Consumes the in-memory outbox for one sink, with one queue per lane. */
export class MemoryConsumer implements Consumer {
  readonly #sink: MemorySink;
  readonly #deps: MemoryConsumerDeps;
  readonly #queues: readonly OpenEvent[][];
  readonly #claimed = new Set<string>();
  readonly #waiters = new LaneWaiters();
  readonly #lease = new ProcessLease();

  constructor(sink: MemorySink, lanes: number, deps: MemoryConsumerDeps) {
    this.#sink = sink;
    this.#deps = deps;
    this.#queues = Array.from({ length: lanes }, () => []);
    for (const event of sink.open()) this.#push(event);
    sink.onPush = (event) => this.#push(event);
    sink.onVoid = () => this.#dropVoid();
  }

  async claim(lane: number, max: number, fits: Fits = () => true): Promise<Claim> {
    const lease = this.#lease;
    if (lease.revoked.aborted) return { lease, events: [] };
    const queue = this.#queues[lane] ?? [];
    let count = 0;
    for (const { json } of queue.slice(0, max)) {
      if (!fits(json.length)) break;
      count += 1;
    }
    const events = queue.splice(0, count).map(({ id, json, orderKey, attempts }) => {
      this.#claimed.add(id);
      return { id, json, orderKey, attempts: [...attempts] };
    });
    return { lease, events };
  }

  async read(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>();
    for (const id of ids) {
      const event = this.#claimed.has(id) ? this.#sink.get(id) : undefined;
      if (event !== undefined) texts.set(id, event.json);
    }
    return texts;
  }

  holds(id: string): boolean {
    return this.#claimed.has(id) && this.#sink.get(id) !== undefined;
  }

  async settle(lease: Lease, settlements: readonly Settlement[]): Promise<void> {
    this.#lease.require(lease);
    const gone: string[] = [];
    for (const settlement of settlements) {
      const event = this.#sink.get(settlement.id);
      if (event === undefined) this.#claimed.delete(settlement.id);
      if (event === undefined || !this.#claimed.has(event.id)) continue;
      if ('attempt' in settlement) event.attempts.push(settlement.attempt);
      if (settlement.outcome === 'retry') continue;
      this.#claimed.delete(event.id);
      gone.push(event.id);
      this.#sink.settle(event.id, settlement.outcome);
      if (settlement.outcome === 'dead') {
        const { orderKey, json, attempts } = event;
        this.#deps.onDead({
          sink: this.#sink.name,
          at: settlement.attempt.at,
          attempts,
          orderKey,
          json,
        });
      }
    }
    this.#deps.onSettled(gone);
  }

  available(lane: number, signal: AbortSignal): Promise<void> {
    if (this.#lease.revoked.aborted || signal.aborted || (this.#queues[lane]?.length ?? 0) > 0) {
      return Promise.resolve();
    }
    return this.#waiters.wait(lane, signal);
  }

  async close(): Promise<void> {
    if (this.#lease.revoked.aborted) return;
    this.#lease.revoke();
    this.#sink.onPush = undefined;
    this.#sink.onVoid = undefined;
    this.#waiters.wakeAll();
    this.#deps.onClose();
  }

  #push(event: OpenEvent): void {
    const lane = orderHash(event.orderKey) % this.#queues.length;
    this.#queues[lane]?.push(event);
    this.#waiters.wake(lane);
  }

  /** Drops events that are no longer pending from the front of every queue: a backlog loses its oldest events first. */
  #dropVoid(): void {
    for (const queue of this.#queues) {
      const open = queue.findIndex(({ id }) => this.#sink.get(id) !== undefined);
      queue.splice(0, open === -1 ? queue.length : open);
    }
  }
}
