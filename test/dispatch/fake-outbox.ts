import { TrackbridgeError } from '../../src/errors.js';
import type { CanonicalEvent } from '../../src/event/event.js';
import { orderKeyOf } from '../../src/event/event.js';
import type { Attempt, Claimed, Consumer, Outbox, Settlement } from '../../src/outbox/outbox.js';

interface Row {
  readonly id: string;
  readonly json: string;
  readonly orderKey: string;
  attempts: Attempt[];
  claimed: boolean;
}

/** What one sink's consumer has to hand out and was told. */
export class FakeConsumer implements Consumer {
  readonly settlements: Settlement[] = [];
  readonly done: string[] = [];
  readonly dead = new Map<string, readonly Attempt[]>();
  /** Claims and settlements fail as long as these are above zero; each failure takes one off. */
  failClaims = 0;
  failSettles = 0;
  closed = false;
  #rows: Row[] = [];
  #waiting = new Set<() => void>();
  #lanes = 1;

  open(lanes: number): this {
    this.#lanes = lanes;
    return this;
  }

  add(row: Omit<Row, 'claimed'>): void {
    this.#rows.push({ ...row, claimed: false });
    for (const wake of [...this.#waiting]) wake();
  }

  get pending(): readonly string[] {
    return this.#rows.map(({ id }) => id);
  }

  attemptsOf(id: string): readonly Attempt[] {
    return this.#rows.find((row) => row.id === id)?.attempts ?? this.dead.get(id) ?? [];
  }

  async claim(lane: number, max: number): Promise<readonly Claimed[]> {
    if (this.failClaims > 0) {
      this.failClaims--;
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The outbox cannot be read; free its disk.');
    }
    const rows = this.#ready(lane).slice(0, max);
    for (const row of rows) row.claimed = true;
    return rows.map(({ id, json, orderKey, attempts }) => ({ id, json, orderKey, attempts }));
  }

  async settle(settlements: readonly Settlement[]): Promise<void> {
    if (this.failSettles > 0) {
      this.failSettles--;
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The disk is full; free some of it.');
    }
    for (const settlement of settlements) {
      const row = this.#rows.find(({ id }) => id === settlement.id);
      if (row === undefined) throw new Error(`settled twice: ${settlement.id}`);
      this.settlements.push(settlement);
      if (settlement.outcome !== 'done') row.attempts = [...row.attempts, settlement.attempt];
      if (settlement.outcome === 'retry') continue;
      this.#rows = this.#rows.filter((other) => other !== row);
      if (settlement.outcome === 'done') this.done.push(row.id);
      else this.dead.set(row.id, row.attempts);
    }
  }

  available(lane: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!signal.aborted && this.#ready(lane).length === 0) return;
        this.#waiting.delete(look);
        signal.removeEventListener('abort', look);
        resolve();
      };
      this.#waiting.add(look);
      signal.addEventListener('abort', look, { once: true });
      look();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  #ready(lane: number): Row[] {
    return this.#rows.filter((row) => !row.claimed && this.#laneOf(row.orderKey) === lane);
  }

  #laneOf(orderKey: string): number {
    let hash = 0;
    for (const character of orderKey) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
    return hash % this.#lanes;
  }
}

/** An outbox in memory with just what the dispatcher uses; the rest of the interface is not there. */
export class FakeOutbox {
  readonly #consumers = new Map<string, FakeConsumer>();

  /** The consumer of a sink; the same one for the test as for the dispatcher. */
  of(sink: string): FakeConsumer {
    const known = this.#consumers.get(sink);
    if (known !== undefined) return known;
    const consumer = new FakeConsumer();
    this.#consumers.set(sink, consumer);
    return consumer;
  }

  /** Accepts an event for every sink asked for so far; resolves the id that names it, its messageId. */
  add(event: CanonicalEvent, attempts: Attempt[] = []): string {
    return this.addText(event.messageId, JSON.stringify(event), orderKeyOf(event), attempts);
  }

  addText(id: string, json: string, orderKey = `m:${id}`, attempts: Attempt[] = []): string {
    for (const consumer of this.#consumers.values()) {
      consumer.add({ id, json, orderKey, attempts });
    }
    return id;
  }

  asOutbox(): Outbox {
    const consumer = (sink: string, lanes: number): Consumer => this.of(sink).open(lanes);
    const sinks = () =>
      [...this.#consumers].map(([name, { pending }]) => ({ name, pending: pending.length }));
    const stats = async () => ({ sinks: sinks() });
    return { consumer, stats } as unknown as Outbox;
  }
}
