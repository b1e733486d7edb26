import type { Attempt } from '../../feed.js';

/** A place in the order in which events are read: by transaction, then by position. */
export interface Place {
  readonly xid: bigint;
  readonly position: number;
}

/** An event that was read. */
export interface OpenEvent extends Place {
  readonly id: string;
  readonly orderKey: string;
  /** The bytes of its text. */
  readonly bytes: number;
  /** Null for a large text, which is read when the event is claimed, and for what is settled. */
  json: string | null;
  readonly attempts: Attempt[];
  readonly partition: Partition;
  state: 'buffered' | 'claimed' | 'settled';
}

/** A lane record as its owner has taken it. */
export interface LaneRecord extends Place {
  readonly partition: number;
  readonly epoch: string;
  /** Grows with each change of the record. */
  readonly turn: number;
  /** What is settled above the place. */
  readonly settled: readonly number[];
  /** Nothing is pending up to this position. */
  readonly void: number;
}

/** What a lane record becomes. */
export interface Progress {
  readonly place: Place;
  readonly settled: readonly number[];
}

/** A partition of a sink that this process owns. */
export class Partition {
  readonly number: number;
  readonly epoch: string;
  /** Failed attempts by earlier owners, by position. */
  readonly attempts: Map<number, Attempt[]>;
  /** That of the record, as far as this process knows what became of its changes. */
  turn: number;
  /** Up to here, everything was read. */
  read: Place;
  void: number;
  /** Whether there may be events that were not read. */
  isBehind = true;
  /** Grows when it has to be read again: what a read under way finds then has a gap before it. */
  version = 0;
  /** It is to be handed over: nothing more is claimed. */
  isLeaving = false;
  /** Everything up to here is settled. */
  #place: Place;
  /** What was read above the place, in order. */
  #line: OpenEvent[] = [];
  /** What an earlier owner settled above the place and was not read yet. */
  readonly #settled: Set<number>;

  constructor(record: LaneRecord, attempts: Map<number, Attempt[]>) {
    this.number = record.partition;
    this.epoch = record.epoch;
    this.turn = record.turn;
    this.void = record.void;
    this.attempts = attempts;
    this.#place = { xid: record.xid, position: record.position };
    this.read = this.#place;
    this.#settled = new Set(record.settled);
  }

  /** Whether no event waits for its outcome. Events that are only buffered do not count. */
  get isFree(): boolean {
    return this.#line.every(({ state }) => state !== 'claimed');
  }

  /** Adds an event that was read. Returns whether it is pending. */
  add(event: OpenEvent): boolean {
    if (this.#settled.delete(event.position)) event.state = 'settled';
    this.#line.push(event);
    return event.state !== 'settled';
  }

  /** Returns what the record becomes once these events are settled as well. */
  after(settled: ReadonlySet<OpenEvent>): Progress {
    const isSettled = (event: OpenEvent): boolean =>
      event.state === 'settled' || settled.has(event);
    const open = this.#line.findIndex((event) => !isSettled(event));
    const passed = open < 0 ? this.#line.length : open;
    const place = this.#line[passed - 1] ?? this.#place;
    const above = this.#line.slice(passed).filter(isSettled);
    return {
      place: { xid: place.xid, position: place.position },
      settled: [...this.#settled, ...above.map(({ position }) => position)],
    };
  }

  /** Marks these events as settled and passes what is settled from the front on. */
  settle(settled: Iterable<OpenEvent>): void {
    for (const event of settled) {
      event.state = 'settled';
      event.json = null;
      this.attempts.delete(event.position);
    }
    const open = this.#line.findIndex(({ state }) => state !== 'settled');
    const passed = this.#line.splice(0, open < 0 ? this.#line.length : open);
    this.#place = passed.at(-1) ?? this.#place;
  }

  /** Marks as settled what is no longer pending up to this position, and returns it. */
  forget(upTo: number): readonly OpenEvent[] {
    this.void = Math.max(this.void, upTo);
    const gone = this.#line.filter(
      ({ position, state }) => position <= upTo && state !== 'settled',
    );
    this.settle(gone);
    return gone;
  }

  /** Removes events that were not claimed, so that they are read again. */
  unread(): void {
    this.version += 1;
    const first = this.#line.find(({ state }) => state === 'buffered');
    if (first === undefined) return;
    const at = this.#line.indexOf(first);
    for (const { position, state } of this.#line.splice(at)) {
      if (state === 'settled') this.#settled.add(position);
    }
    this.read = this.#line.at(-1) ?? this.#place;
    this.isBehind = true;
  }
}
