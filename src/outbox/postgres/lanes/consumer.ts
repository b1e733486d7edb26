import type { Clock } from '../../../core/clock.js';
import type { Waiters } from '../../../core/waiters.js';
import type { Claim, Claimed, Consumer, Fits, Lease, Settlement } from '../../feed.js';
import { LaneWaiters } from '../../lane-waiters.js';
import type { Shared } from '../shared.js';
import { Lane } from './lane.js';
import { LaneLease, laneLost } from './lease.js';
import { Ownership } from './ownership.js';
import type { OpenEvent, Partition } from './partition.js';
import { Reader, type Segment } from './reader.js';
import { Settler } from './settler.js';

/** The maximum bytes of buffered texts, over all lanes. */
const BYTES_AHEAD = 8 * 1024 * 1024;

/** The pauses between reads while running transactions hide events, in milliseconds. */
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

/** How often a claim reads again to find what this process has just written, before it says that there is nothing. */
const LOOKS = 40;

export interface ConsumerDeps {
  readonly shared: Shared;
  readonly clock: Clock;
  /** Woken with each renewal of the member's lease. */
  readonly renewals: Waiters;
  readonly segments: () => readonly Segment[];
  readonly onSettled: (events: readonly OpenEvent[]) => void;
  /** Called when events have become dead letters. Never rejects. */
  readonly onBuried: () => Promise<void>;
  readonly onClose: () => void;
}

/** Consumes the store for one sink: the partitions that this process owns, spread over its lanes. */
export class PostgresConsumer implements Consumer {
  readonly #deps: ConsumerDeps;
  readonly #lanes: readonly Lane[];
  readonly #ownership: Ownership;
  readonly #reader: Reader;
  readonly #settler: Settler;
  readonly #partitions = new Map<number, Partition>();
  /** The claimed events, by position. */
  readonly #claimed = new Map<number, OpenEvent>();
  readonly #waiters = new LaneWaiters();
  readonly #closed = new AbortController();
  #balancing: Promise<void> | undefined;
  #reading: Promise<void> | undefined;
  #feeding: Promise<void> | undefined;
  /** How often this process has written events, and how often it had when the last read that saw them all began. */
  #written = 0;
  #seen = 0;

  constructor(sink: number, lanes: number, deps: ConsumerDeps) {
    this.#deps = deps;
    this.#lanes = Array.from(
      { length: lanes },
      () => new Lane(this.#newLease(), BYTES_AHEAD / lanes),
    );
    this.#ownership = new Ownership(deps.shared, sink);
    this.#reader = new Reader(deps.shared, sink);
    this.#settler = new Settler({
      shared: deps.shared,
      sink,
      resync: () => this.resync(true),
      onSettled: (events) => {
        for (const { position } of events) this.#claimed.delete(position);
        deps.onSettled(events);
      },
      onBuried: deps.onBuried,
    });
    // The first claim waits for it, and reports why it failed.
    this.balance().catch(() => undefined);
  }

  async claim(number: number, max: number, fits: Fits = () => true): Promise<Claim> {
    const lane = this.#lane(number);
    if (this.#partitions.size === 0 && !this.#closed.signal.aborted) await this.balance();
    for (let look = 0; max > 0 && this.#wants(number) && look < LOOKS; look += 1) {
      await this.#read();
      if (!lane.isEmpty || this.#seen === this.#written) break;
      await this.#deps.clock.sleep(FIRST_PAUSE, this.#closed.signal);
    }
    const { lease } = lane;
    if (lease.revoked.aborted) return { lease, events: [] };
    // Claimed before anything is waited for: nobody else may take them, and a purge must find them.
    const taken = lane.take(max, fits);
    for (const event of taken) this.#claimed.set(event.position, event);
    try {
      await this.#loadLarge(taken);
    } catch (error) {
      const left = taken.filter(({ state }) => state === 'claimed');
      for (const { position } of left) this.#claimed.delete(position);
      lane.putBack(left);
      throw error;
    }
    const events = taken.flatMap((event): Claimed[] => {
      const { attempts, id, json, orderKey, state } = event;
      if (state !== 'claimed' || json === null) return [];
      event.json = null;
      return [{ id, json, orderKey, attempts: [...attempts] }];
    });
    return lease.revoked.aborted ? { lease, events: [] } : { lease, events };
  }

  async read(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const claimed = ids.map(Number).filter((position) => this.#claimed.has(position));
    const texts = await this.#reader.texts(claimed);
    return new Map([...texts].map(([position, json]) => [String(position), json]));
  }

  holds(id: string): boolean {
    return this.#claimed.has(Number(id));
  }

  async settle(lease: Lease, settlements: readonly Settlement[]): Promise<void> {
    const own = this.#lanes.find((lane) => lane.lease === lease)?.lease;
    if (own === undefined || own.revoked.aborted) throw laneLost();
    const known = settlements.flatMap((settlement) => {
      const event = this.#claimed.get(Number(settlement.id));
      return event === undefined ? [] : [[event, settlement] as const];
    });
    if (known.length > 0) await this.#settler.settle(own, known);
    await this.#releaseLeaving();
  }

  available(number: number, signal: AbortSignal): Promise<void> {
    const isOver = signal.aborted || this.#closed.signal.aborted;
    if (isOver || !this.#lane(number).isEmpty) return Promise.resolve();
    const woken = this.#waiters.wait(number, signal);
    this.#feed();
    return woken;
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#waiters.wakeAll();
    await this.#settler.idle();
    for (const { lease } of this.#lanes) lease.revoke();
    await Promise.allSettled([this.#reading, this.#feeding, this.#balancing]);
    const partitions = [...this.#partitions.values()];
    this.#partitions.clear();
    this.#claimed.clear();
    for (const lane of this.#lanes) lane.clear();
    // Without an answer, the others take them when the lease is over.
    await this.#ownership.release(partitions).catch(() => undefined);
    this.#deps.onClose();
  }

  /** Events may have been written. `own`: by this process, so that they are there for certain. */
  notice(own: boolean): void {
    if (own) this.#written += 1;
    for (const partition of this.#partitions.values()) partition.isBehind = true;
    this.#feed();
  }

  /** Drops what is no longer pending up to this position. */
  forget(upTo: number): void {
    for (const partition of this.#partitions.values()) {
      for (const event of partition.forget(upTo)) this.#claimed.delete(event.position);
    }
    this.#tidy();
  }

  /** Takes what is this process's share of the partitions, and begins to hand over what is more. */
  balance(): Promise<void> {
    this.#balancing ??= this.#balance().finally(() => {
      this.#balancing = undefined;
    });
    return this.#balancing;
  }

  /**
   * Compares the owned partitions with their records: another member may have taken some, or purged the sink. `isIdle`:
   * this process is changing none.
   */
  async resync(isIdle = false): Promise<void> {
    const records = await this.#ownership.owned();
    const lost = [...this.#partitions.values()].filter(({ epoch, number, turn }) => {
      const record = records.get(number);
      // A change whose answer was lost has been made after all: what it settled must not be counted again.
      return record?.epoch !== epoch || (isIdle && record.turn !== turn);
    });
    if (lost.length > 0) this.#lose(lost);
    for (const partition of this.#partitions.values()) {
      const upTo = records.get(partition.number)?.void ?? 0;
      if (upTo <= partition.void) continue;
      for (const event of partition.forget(upTo)) this.#claimed.delete(event.position);
    }
    this.#tidy();
  }

  /**
   * The lease of this process is over: nothing that it owns is certainly its own any more. Returns whether it owned
   * anything.
   */
  loseAll(): boolean {
    if (this.#partitions.size === 0) return false;
    this.#lose([...this.#partitions.values()]);
    return true;
  }

  async #balance(): Promise<void> {
    const { membership, partitions } = this.#deps.shared;
    if (this.#closed.signal.aborted) return;
    const share = Math.ceil(partitions / (await membership.dispatchers()));
    const surplus = this.#partitions.size - share;
    if (surplus > 0) {
      const free = [...this.#partitions.values()].toSorted(
        (a, b) => Number(b.isFree) - Number(a.isFree),
      );
      for (const partition of free.slice(0, surplus)) {
        partition.isLeaving = true;
        partition.unread();
      }
      this.#tidy();
      await this.#releaseLeaving();
      return;
    }
    for (const partition of this.#partitions.values()) partition.isLeaving = false;
    const taken = await this.#ownership.take(-surplus, [...this.#partitions.keys()]);
    if (this.#closed.signal.aborted) {
      await this.#ownership.release(taken).catch(() => undefined);
      return;
    }
    for (const partition of taken) this.#partitions.set(partition.number, partition);
    if (taken.length > 0) this.#feed();
  }

  /** Hands over the partitions that are to leave and have nothing claimed. */
  async #releaseLeaving(): Promise<void> {
    const leaving = [...this.#partitions.values()].filter(
      ({ isFree, isLeaving }) => isLeaving && isFree,
    );
    if (leaving.length === 0) return;
    for (const partition of leaving) this.#partitions.delete(partition.number);
    await this.#ownership.release(leaving).catch(() => undefined);
  }

  /**
   * Drops partitions that another member may own. The lease of a lane covers all of its events, so what else the lane
   * has claimed is read again.
   */
  #lose(lost: readonly Partition[]): void {
    const lanes = new Set(lost.map(({ number }) => this.#laneOf(number)));
    for (const partition of lost) this.#partitions.delete(partition.number);
    for (const number of lanes) {
      const lane = this.#lane(number);
      lane.lease.revoke();
      lane.lease = this.#newLease();
      for (const [position, event] of this.#claimed) {
        if (this.#laneOf(event.partition.number) !== number) continue;
        this.#claimed.delete(position);
        event.state = 'buffered';
      }
      lane.clear();
      for (const partition of this.#partitions.values()) {
        if (this.#laneOf(partition.number) === number) partition.unread();
      }
    }
    this.#waiters.wakeAll();
  }

  #wants(number: number): boolean {
    if (this.#closed.signal.aborted || !this.#lane(number).isEmpty) return false;
    for (const partition of this.#partitions.values()) {
      const isOwn = this.#laneOf(partition.number) === number;
      if (isOwn && partition.isBehind && !partition.isLeaving) return true;
    }
    return false;
  }

  /** Runs one read at a time for all lanes that have room. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const written = this.#written;
    const wanting = [...this.#partitions.values()].filter((partition) => {
      const { isFull } = this.#lane(this.#laneOf(partition.number));
      return partition.isBehind && !partition.isLeaving && !isFull;
    });
    if (wanting.length === 0) return;
    const { events, mayHide } = await this.#reader.read(wanting, this.#deps.segments());
    if (!mayHide) this.#seen = written;
    // What was written meanwhile may not be in the read.
    if (this.#written !== written) for (const partition of wanting) partition.isBehind = true;
    for (const event of events) {
      // It may have been lost or purged meanwhile.
      if (this.#partitions.get(event.partition.number) !== event.partition) continue;
      if (event.state !== 'buffered') continue;
      if (event.position <= event.partition.void) {
        event.partition.settle([event]);
        continue;
      }
      this.#lane(this.#laneOf(event.partition.number)).push(event);
    }
    for (const number of this.#waiters.waiting()) {
      if (!this.#lane(number).isEmpty) this.#waiters.wake(number);
    }
  }

  /** Reads ahead for lanes that wait, as long as there may be something for them. */
  #feed(): void {
    this.#feeding ??= this.#feedWaiting().finally(() => {
      this.#feeding = undefined;
      if (this.#isHungry()) this.#feed();
    });
  }

  async #feedWaiting(): Promise<void> {
    let pause = FIRST_PAUSE;
    while (this.#isHungry()) {
      try {
        await this.#read();
      } catch {
        // The next claim meets the same error and reports it.
        pause = LONGEST_PAUSE;
        this.#waiters.wakeAll();
      }
      if (!this.#isHungry()) return;
      await this.#deps.clock.sleep(pause, this.#closed.signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  #isHungry(): boolean {
    return this.#waiters.waiting().some((number) => this.#wants(number));
  }

  async #loadLarge(events: readonly OpenEvent[]): Promise<void> {
    const large = events.filter(({ json }) => json === null);
    const texts = await this.#reader.texts(large.map(({ position }) => position));
    for (const event of large) event.json = texts.get(event.position) ?? null;
  }

  /** Removes from the buffers what is settled, handed over or no longer owned. */
  #tidy(): void {
    for (const lane of this.#lanes) {
      lane.keep(
        ({ partition, state }) =>
          state === 'buffered' &&
          !partition.isLeaving &&
          this.#partitions.get(partition.number) === partition,
      );
    }
  }

  #newLease(): LaneLease {
    const { renewals, shared } = this.#deps;
    return new LaneLease({
      renewals,
      membership: shared.membership,
      lasts: shared.options.lease,
    });
  }

  #laneOf(partition: number): number {
    return partition % this.#lanes.length;
  }

  #lane(number: number): Lane {
    const lane = this.#lanes[number];
    if (lane === undefined) throw new RangeError(`There is no lane ${number}`);
    return lane;
  }
}
