import type { Claimed, Fits } from '../feed.js';

/** A lane with this many buffered events is full: reads of the store leave it out. */
const EVENTS_PER_LANE = 1_000;

/** The maximum bytes of buffered texts, over all lanes of all sinks. Each lane may use an equal part. */
const BYTES_AHEAD = 8 * 1024 * 1024;

/** The store reads a text larger than this, or larger than the lane's part, only when its event is claimed. */
const LARGE = 64 * 1024;

/** The minimum bytes per read of the store: smaller reads would be too many. */
const LEAST_READ = 64 * 1024;
/** The maximum bytes per read of the store: larger reads would delay writes. */
const MOST_READ = 1024 * 1024;

/** An event buffered before it is claimed. A large event's text is not buffered. */
export interface BufferedEvent extends Omit<Claimed, 'json'> {
  readonly position: number;
  /** The approximate bytes of its text. */
  readonly bytes: number;
  readonly json: string | null;
}

type LaneEvent = BufferedEvent & { readonly lane: number };

/** An event that was just written, with the hash of its order key. */
export type FreshEvent = BufferedEvent & { readonly hash: number };

interface Lane {
  buffer: BufferedEvent[];
  /** The total bytes of the buffered texts. */
  bytes: number;
  /** The position up to which the lane has received its events. */
  cursor: number;
}

/**
 * A range of the store to read next: positions after `from` up to `to` (absent: the newest), for these lanes (absent:
 * all).
 */
export interface ScanRange {
  readonly from: number;
  readonly to?: number;
  readonly only?: readonly number[];
}

/**
 * Tracks how far each lane of a sink has been fed, and what it has not claimed yet.
 *
 * A lane that has received everything is fed with what is written next. One read of the store feeds all other lanes with
 * the same cursor. Both leave out a lane whose buffer is full, and the lane falls behind. Once it has room, separate reads
 * feed it, together with any lanes at its position, until it catches up with the next lanes. So a stuck lane delays no
 * other lane, and memory does not grow with the backlog.
 */
export class LaneCursors {
  readonly #lanes: readonly Lane[];
  readonly #bytesPerLane: number;
  /** A larger text, in bytes, stays in the store until its event is claimed. */
  readonly large: number;
  /** The bytes of texts that one read should return. */
  readonly read: number;

  /** `sinks`: the number of sinks that divide the buffer among them. */
  constructor(lanes: number, from: number, sinks = 1) {
    this.#lanes = Array.from({ length: lanes }, () => ({ buffer: [], bytes: 0, cursor: from }));
    this.#bytesPerLane = Math.floor(BYTES_AHEAD / sinks / lanes);
    this.large = Math.min(LARGE, this.#bytesPerLane);
    this.read = Math.min(Math.max(this.#bytesPerLane, LEAST_READ), MOST_READ);
  }

  /** Takes the next events of a lane, at most `max`, up to the first that does not fit. */
  shift(lane: number, max: number, fits: Fits = () => true): BufferedEvent[] {
    const from = this.#lane(lane);
    let count = 0;
    for (const event of from.buffer) {
      if (count >= max || !fits(event.bytes)) break;
      count += 1;
      from.bytes -= weightOf(event);
    }
    return from.buffer.splice(0, count);
  }

  /** Puts the events that were taken last back at the front. */
  unshift(lane: number, events: readonly BufferedEvent[]): void {
    const to = this.#lane(lane);
    to.buffer.unshift(...events);
    for (const event of events) to.bytes += weightOf(event);
  }

  isEmpty(lane: number): boolean {
    return this.#lane(lane).buffer.length === 0;
  }

  /** Returns whether any lane has events to claim. */
  holdsAny(): boolean {
    return this.#lanes.some(({ buffer }) => buffer.length > 0);
  }

  /** Returns whether the store may hold events that the lane has not received. */
  isBehind(lane: number, tail: number): boolean {
    return this.#lane(lane).cursor < tail;
  }

  /** Returns whether a lane has so little left that it is worthwhile to read ahead for it. */
  isLow(lane: number): boolean {
    const { buffer, bytes } = this.#lane(lane);
    return buffer.length < EVENTS_PER_LANE / 2 && bytes < this.#bytesPerLane / 2;
  }

  /**
   * Returns the range to read for a lane that is behind. It ends at the cursor of the next lane that is behind, so that
   * the two meet there. Otherwise it includes what is written before the read begins: a lane that read only up to `tail`
   * would never catch up while events arrive.
   */
  rangeFor(lane: number, tail: number): ScanRange {
    const from = this.#lane(lane).cursor;
    let to: number | undefined;
    const only: number[] = [];
    for (const [index, other] of this.#lanes.entries()) {
      if (other.cursor > from && other.cursor < tail) to = Math.min(to ?? tail, other.cursor);
      else if (other.cursor === from && (index === lane || !this.#isFull(other))) only.push(index);
    }
    return {
      from,
      ...(to !== undefined && { to }),
      ...(only.length < this.#lanes.length && { only }),
    };
  }

  /** Drops the buffered events up to this position. */
  forget(upTo: number): void {
    for (const lane of this.#lanes) {
      lane.buffer = lane.buffer.filter(({ position }) => position > upTo);
      lane.bytes = lane.buffer.reduce((sum, event) => sum + weightOf(event), 0);
    }
  }

  /** Distributes the events read from a range, up to position `upTo`. */
  feed(range: ScanRange, upTo: number, events: readonly LaneEvent[]): void {
    const fed = range.only?.map((index) => this.#lane(index)) ?? this.#lanes;
    for (const lane of fed) lane.cursor = upTo;
    for (const { lane: index, ...event } of events) this.#push(index, event);
  }

  /**
   * Feeds events that were just written: everything after `before` up to `upTo`. Lanes that are behind or full do not
   * receive them.
   */
  follow(before: number, upTo: number, events: readonly FreshEvent[]): void {
    const starts = this.#lanes.map((lane) =>
      lane.cursor < before || this.#isFull(lane) ? Number.POSITIVE_INFINITY : lane.cursor,
    );
    for (const event of events) {
      const index = event.hash % this.#lanes.length;
      if (event.position > (starts[index] ?? 0)) this.#push(index, event);
    }
    for (const [index, lane] of this.#lanes.entries()) {
      if (starts[index] === lane.cursor) lane.cursor = Math.max(lane.cursor, upTo);
    }
  }

  #push(index: number, event: BufferedEvent): void {
    const lane = this.#lane(index);
    const held = event.bytes > this.large ? { ...event, json: null } : event;
    lane.buffer.push(held);
    lane.bytes += weightOf(held);
  }

  #isFull(lane: Lane): boolean {
    return lane.buffer.length >= EVENTS_PER_LANE || lane.bytes >= this.#bytesPerLane;
  }

  #lane(index: number): Lane {
    const lane = this.#lanes[index];
    if (lane === undefined)
      throw new RangeError(`There is no lane ${index} of ${this.#lanes.length}`);
    return lane;
  }
}

function weightOf({ bytes, json }: BufferedEvent): number {
  return json === null ? 0 : bytes;
}
