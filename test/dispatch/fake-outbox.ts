import { setMaxListeners } from 'node:events';
import { TrackbridgeError } from '../../src/core/errors.js';
import type { CanonicalEvent } from '../../src/event/event.js';
import { orderKeyOf } from '../../src/event/event.js';
import type { Attempt, Claim, Consumer, Fits, Lease, Settlement } from '../../src/outbox/feed.js';
import type { Outbox } from '../../src/outbox/outbox.js';

interface Row {
  readonly id: string;
  readonly json: string;
  readonly orderKey: string;
  attempts: Attempt[];
  claimed: boolean;
}

/** A lease that a test revokes, and that covers an attempt when the test says so. */
class FakeLease implements Lease {
  readonly #revoke = new AbortController();
  /** The times that callers asked for, in milliseconds. */
  readonly asked: number[] = [];
  coversWith: () => Promise<boolean> = async () => !this.revoked.aborted;

  constructor() {
    setMaxListeners(0, this.revoked);
  }

  get revoked(): AbortSignal {
    return this.#revoke.signal;
  }

  covers(ms: number): Promise<boolean> {
    this.asked.push(ms);
    return this.coversWith();
  }

  revoke(): void {
    this.#revoke.abort();
  }
}

/** What one sink's consumer has to hand out and was told. */
export class FakeConsumer implements Consumer {
  readonly settlements: Settlement[] = [];
  readonly done: string[] = [];
  readonly dead = new Map<string, readonly Attempt[]>();
  /** Ids whose texts were read again, in order. */
  readonly reread: string[] = [];
  /** Claims, reads and settlements fail as long as these are above zero; each failure takes one off. */
  failClaims = 0;
  failReads = 0;
  failSettles = 0;
  /** The next claim or settlement finds that the lane was lost just before. */
  revokeAtClaim = false;
  revokeAtSettle = false;
  /** The number of settlements that came under a revoked lease. */
  stale = 0;
  closed = false;
  /** The lease of all lanes. */
  lease = new FakeLease();
  #settles: Promise<void> = Promise.resolve();
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

  async claim(lane: number, max: number, fits: Fits = () => true): Promise<Claim> {
    if (this.failClaims > 0) {
      this.failClaims--;
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The outbox cannot be read; free its disk.');
    }
    if (this.revokeAtClaim) {
      this.revokeAtClaim = false;
      this.revoke();
    }
    const rows: Row[] = [];
    for (const row of this.#ready(lane).slice(0, max)) {
      if (!fits(row.json.length)) break;
      row.claimed = true;
      rows.push(row);
    }
    const events = rows.map(({ claimed: _, ...event }) => event);
    return { lease: this.lease, events };
  }

  async read(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (this.failReads > 0) {
      this.failReads--;
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The outbox cannot be read; free its disk.');
    }
    this.reread.push(...ids);
    const rows = this.#rows.filter(({ id }) => ids.includes(id));
    return new Map(rows.map(({ id, json }) => [id, json]));
  }

  holds(id: string): boolean {
    return this.#rows.some((row) => row.id === id && row.claimed);
  }

  /** Takes everything away that is pending. */
  purge(): void {
    this.#rows = [];
  }

  /** Takes the lanes away, as if another consumer had claimed them; the same lanes can be claimed under a new lease. */
  revoke(): void {
    const { lease } = this;
    this.lease = new FakeLease();
    for (const row of this.#rows) row.claimed = false;
    lease.revoke();
    for (const wake of [...this.#waiting]) wake();
  }

  /** Holds all settlements until the returned function is called. */
  holdSettles(): () => void {
    let end: () => void = () => undefined;
    this.#settles = new Promise((resolve) => {
      end = resolve;
    });
    return () => end();
  }

  async settle(lease: Lease, settlements: readonly Settlement[]): Promise<void> {
    await this.#settles;
    if (this.revokeAtSettle) {
      this.revokeAtSettle = false;
      this.revoke();
    }
    if (lease !== this.lease) {
      this.stale++;
      throw new TrackbridgeError('LANE_LOST', 'Another consumer has taken over the lane.');
    }
    if (this.failSettles > 0) {
      this.failSettles--;
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The disk is full; free some of it.');
    }
    for (const settlement of settlements) {
      const row = this.#rows.find(({ id }) => id === settlement.id);
      if (row === undefined) throw new Error(`settled twice: ${settlement.id}`);
      this.settlements.push(settlement);
      if ('attempt' in settlement) row.attempts = [...row.attempts, settlement.attempt];
      if (settlement.outcome === 'retry') continue;
      this.#rows = this.#rows.filter((other) => other !== row);
      if (!('attempt' in settlement)) this.done.push(row.id);
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
    for (const row of this.#rows) row.claimed = false;
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
