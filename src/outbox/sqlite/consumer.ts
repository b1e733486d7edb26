import type { Clock } from '../../core/clock.js';
import type { Claim, Claimed, Consumer, Fits, Lease, Settlement } from '../feed.js';
import { LaneWaiters } from '../lane-waiters.js';
import { ProcessLease } from '../process-lease.js';
import { type BufferedEvent, type FreshEvent, LaneCursors } from './lane-cursors.js';
import type { PositionSettlement, Scan, ScanRequest, StoredTexts } from './thread/messages.js';

/** How long to wait after a read of the store failed, in milliseconds. */
const READ_PAUSE = 1_000;

/** Why an event became a dead letter that its sink never received. */
const GARBLED = 'this event is damaged in the store: its checksum does not match';

export interface ConsumerDeps {
  readonly clock: Clock;
  /** Returns the position of the newest event in the store. */
  readonly tail: () => number;
  /** The number of sinks that divide the read-ahead buffer among them. */
  readonly sinks: number;
  readonly scan: (request: ScanRequest) => Promise<Scan>;
  readonly texts: (positions: readonly number[]) => Promise<StoredTexts>;
  readonly settle: (sink: string, settlements: readonly PositionSettlement[]) => Promise<unknown>;
  /** Called with the number of the sink's events that were garbled and became dead letters. */
  readonly onGarbled: (events: number) => void;
  readonly onClose: () => void;
}

/** Consumes the store for one sink. It reads ahead for all its lanes and tracks its claims. */
export class SqliteConsumer implements Consumer {
  readonly #sink: string;
  readonly #lanes: number;
  readonly #deps: ConsumerDeps;
  readonly #cursors: LaneCursors;
  /** The claimed, unsettled events; true if the store has recorded a failed attempt. */
  readonly #claimed = new Map<number, boolean>();
  /** Nothing is pending up to this position. */
  #void = 0;
  #hasClaimed = false;
  readonly #waiters = new LaneWaiters();
  readonly #settling = new Set<Promise<unknown>>();
  readonly #lease = new ProcessLease();
  #reading: Promise<void> | undefined;
  #feeding: Promise<void> | undefined;

  constructor(sink: string, lanes: number, deps: ConsumerDeps) {
    this.#sink = sink;
    this.#lanes = lanes;
    this.#deps = deps;
    // The store knows the sink's first open event, and starts there.
    this.#cursors = new LaneCursors(lanes, 0, deps.sinks);
  }

  async claim(lane: number, max: number, fits?: Fits): Promise<Claim> {
    const lease = this.#lease;
    while (this.#wants(lane)) await this.#read(lane);
    if (lease.revoked.aborted) return { lease, events: [] };
    const buffered = this.#cursors.shift(lane, max, fits);
    this.#readAhead(lane);
    const texts = await this.#largeTexts(lane, buffered);
    if (lease.revoked.aborted) return { lease, events: [] };
    const events: Claimed[] = [];
    for (const { position, id, orderKey, attempts, ...event } of buffered) {
      const json = event.json ?? texts.get(position);
      if (json === undefined || position <= this.#void) continue;
      this.#claimed.set(position, attempts.length > 0);
      events.push({ id, json, orderKey, attempts });
    }
    if (events.length > 0) this.#hasClaimed = true;
    return { lease, events };
  }

  async read(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const texts = await this.#textsAt(ids.map(Number).filter((each) => this.#claimed.has(each)));
    return new Map([...texts].map(([position, json]) => [String(position), json]));
  }

  holds(id: string): boolean {
    return this.#claimed.has(Number(id));
  }

  async settle(lease: Lease, settlements: readonly Settlement[]): Promise<void> {
    this.#lease.require(lease);
    const positions: PositionSettlement[] = [];
    for (const { id, ...rest } of settlements) {
      const position = Number(id);
      const tried = this.#claimed.get(position);
      if (tried === undefined) continue;
      positions.push({ position, tried, ...rest });
    }
    if (positions.length === 0) return;
    const recorded = this.#deps.settle(this.#sink, positions);
    this.#settling.add(recorded);
    try {
      await recorded;
    } finally {
      this.#settling.delete(recorded);
    }
    for (const { position, outcome } of positions) {
      if (outcome !== 'retry') this.#claimed.delete(position);
      // Unless it was forgotten meanwhile.
      else if (this.#claimed.has(position)) this.#claimed.set(position, true);
    }
  }

  /**
   * Returns whether lanes have claimed events since the last call and still left some. Lanes that wait, as for a sink
   * that is down, do not lag.
   */
  lags(): boolean {
    const isActive = this.#hasClaimed;
    this.#hasClaimed = false;
    return isActive && this.#cursors.holdsAny();
  }

  available(lane: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#lease.revoked.aborted || !this.#cursors.isEmpty(lane)) {
      return Promise.resolve();
    }
    const woken = this.#waiters.wait(lane, signal);
    this.#feed();
    return woken;
  }

  async close(): Promise<void> {
    if (this.#lease.revoked.aborted) return;
    this.#lease.revoke();
    this.#waiters.wakeAll();
    // The next consumer must not claim events that these settlements are about to settle.
    await Promise.allSettled([...this.#settling, this.#reading, this.#feeding]);
    this.#deps.onClose();
  }

  /**
   * Drops the buffered and claimed events up to this position. They are no longer pending, and settling them has no
   * effect.
   */
  forget(upTo: number): void {
    this.#void = Math.max(this.#void, upTo);
    for (const position of this.#claimed.keys()) {
      if (position <= upTo) this.#claimed.delete(position);
    }
    this.#cursors.forget(upTo);
  }

  /**
   * Takes over the events after `before`, if they are available, so that a lane that keeps up never reads the store.
   */
  notice(before: number, fresh: readonly FreshEvent[] | undefined): void {
    if (this.#lease.revoked.aborted) return;
    if (fresh !== undefined) this.#cursors.follow(before, this.#deps.tail(), fresh);
    this.#wakeFed();
    this.#feed();
  }

  /** If the texts cannot be read, the events count as unclaimed. */
  async #largeTexts(
    lane: number,
    events: readonly BufferedEvent[],
  ): Promise<ReadonlyMap<number, string>> {
    const large = events.filter(({ json }) => json === null).map(({ position }) => position);
    try {
      return await this.#textsAt(large);
    } catch (error) {
      this.#cursors.unshift(lane, events);
      throw error;
    }
  }

  async #textsAt(positions: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const found = new Map<number, string>();
    if (positions.length === 0) return found;
    const { texts, garbled } = await this.#deps.texts(positions);
    await this.#giveUp(garbled);
    for (const [at, position] of positions.entries()) {
      const json = texts[at];
      if (typeof json === 'string') found.set(position, json);
    }
    return found;
  }

  /**
   * Turns events whose checksum does not match into dead letters: if delivered, they would pass for what was received.
   */
  async #giveUp(positions: readonly number[]): Promise<void> {
    if (positions.length === 0) return;
    const attempt = { at: this.#deps.clock.now(), error: GARBLED };
    const dead = { outcome: 'dead', attempt, tried: true } as const;
    const recorded = this.#deps.settle(
      this.#sink,
      positions.map((position) => ({ position, ...dead })),
    );
    this.#settling.add(recorded);
    try {
      await recorded;
    } finally {
      this.#settling.delete(recorded);
    }
    for (const position of positions) this.#claimed.delete(position);
    this.#deps.onGarbled(positions.length);
  }

  #wants(lane: number): boolean {
    return (
      !this.#lease.revoked.aborted &&
      this.#cursors.isEmpty(lane) &&
      this.#cursors.isBehind(lane, this.#deps.tail())
    );
  }

  /** Begins to read the next events of a lane while it delivers those that it has. */
  #readAhead(lane: number): void {
    if (this.#reading !== undefined || !this.#cursors.isLow(lane)) return;
    if (!this.#cursors.isBehind(lane, this.#deps.tail())) return;
    // A claim that finds nothing left meets the same error.
    this.#read(lane).catch(() => undefined);
  }

  /** Runs one read at a time for all lanes. The next lane may find that this read has fed it too. */
  async #read(lane: number): Promise<void> {
    if (this.#reading !== undefined) return this.#reading;
    this.#reading = this.#readFor(lane).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readFor(lane: number): Promise<void> {
    const range = this.#cursors.rangeFor(lane, this.#deps.tail());
    const { events, upTo } = await this.#deps.scan({
      sink: this.#sink,
      lanes: this.#lanes,
      large: this.#cursors.large,
      bytes: this.#cursors.read,
      ...range,
    });
    // Before the cursor moves: if this fails, the events are read again.
    await this.#giveUp(events.filter((each) => each.isGarbled).map(({ position }) => position));
    const fed = events
      .filter((each) => !each.isGarbled)
      .map(({ position, ...event }) => ({ ...event, position, id: String(position) }));
    this.#cursors.feed(range, upTo, fed);
    this.#wakeFed();
  }

  /** Reads ahead for lanes that have a waiting claim, so that only lanes with events wake up. */
  #feed(): void {
    if (this.#hungryLane() === undefined) return;
    this.#feeding ??= this.#feedWaiting().finally(() => {
      this.#feeding = undefined;
      // A claim may have begun to wait after the last check.
      this.#feed();
    });
  }

  async #feedWaiting(): Promise<void> {
    for (let lane = this.#hungryLane(); lane !== undefined; lane = this.#hungryLane()) {
      try {
        await this.#read(lane);
      } catch {
        // The next claim meets the same error and reports it. Until then an immediate retry is useless.
        await this.#deps.clock.sleep(READ_PAUSE, this.#lease.revoked);
        this.#waiters.wakeAll();
      }
    }
  }

  #hungryLane(): number | undefined {
    return this.#waiters.waiting().find((lane) => this.#wants(lane));
  }

  #wakeFed(): void {
    for (const lane of this.#waiters.waiting()) {
      if (!this.#cursors.isEmpty(lane)) this.#waiters.wake(lane);
    }
  }
}
