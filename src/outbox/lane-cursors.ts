import type { Claimed } from './outbox.js';

/** How many events a lane holds ahead of being claimed before others go on without it. */
const EVENTS_PER_LANE = 1_000;

/** How many characters all lanes of a sink hold together, spread evenly. */
const CHARACTERS_PER_SINK = 16 * 1024 * 1024;

export interface BufferedEvent extends Claimed {
  readonly position: number;
}

interface Lane {
  buffer: BufferedEvent[];
  characters: number;
  /** Up to where the lane has been given its events. */
  cursor: number;
}

/** A part of the store to read next: positions after `from` up to `to`, for these lanes (absent: all). */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly only?: readonly number[];
}

/**
 * How far each lane of a sink has been fed, and what it has not claimed yet.
 *
 * Lanes with the same cursor are fed together by one read of the store. One whose buffer is full is left out and falls
 * behind; when it wants more it is read for alone, with whoever stands at the same place, until it has caught up with
 * the next ones. So a stuck lane holds up no other, and memory does not grow with the backlog.
 */
export class LaneCursors {
  readonly #lanes: readonly Lane[];
  readonly #charactersPerLane: number;

  constructor(lanes: number, from: number) {
    this.#lanes = Array.from({ length: lanes }, () => ({
      buffer: [],
      characters: 0,
      cursor: from,
    }));
    this.#charactersPerLane = CHARACTERS_PER_SINK / lanes;
  }

  /** Takes the next events of a lane, at most `max`. */
  shift(lane: number, max: number): BufferedEvent[] {
    const from = this.#lane(lane);
    const events = from.buffer.splice(0, max);
    for (const event of events) from.characters -= event.json.length;
    return events;
  }

  isEmpty(lane: number): boolean {
    return this.#lane(lane).buffer.length === 0;
  }

  /** Whether the store may hold events for the lane that it has not been given. */
  isBehind(lane: number, tail: number): boolean {
    return this.#lane(lane).cursor < tail;
  }

  /** What to read so that a lane which is behind gets on; ends where the next lane stands, so that they meet there. */
  stretchFor(lane: number, tail: number): Stretch {
    const from = this.#lane(lane).cursor;
    let to = tail;
    const only: number[] = [];
    for (const [index, other] of this.#lanes.entries()) {
      if (other.cursor > from) to = Math.min(to, other.cursor);
      else if (other.cursor === from && (index === lane || !this.#isFull(other))) only.push(index);
    }
    return only.length === this.#lanes.length ? { from, to } : { from, to, only };
  }

  /** Hands out what was read of a stretch, up to position `upTo`. */
  feed(
    stretch: Stretch,
    upTo: number,
    events: readonly (BufferedEvent & { lane: number })[],
  ): void {
    const fed = stretch.only?.map((index) => this.#lane(index)) ?? this.#lanes;
    for (const lane of fed) lane.cursor = upTo;
    for (const { lane: index, ...event } of events) this.#push(index, event);
  }

  /** Whether every lane has been given everything up to `position`, and has hardly anything left to claim. */
  isIdleAt(position: number): boolean {
    return this.#lanes.every((lane) => lane.cursor === position && lane.buffer.length < 16);
  }

  /** Moves all lanes to `upTo`, with events that need not be read because they were just written. */
  follow(upTo: number, events: readonly (BufferedEvent & { lane: number })[]): void {
    this.feed({ from: upTo, to: upTo }, upTo, events);
  }

  #push(index: number, event: BufferedEvent): void {
    const lane = this.#lane(index);
    lane.buffer.push(event);
    lane.characters += event.json.length;
  }

  #isFull(lane: Lane): boolean {
    return lane.buffer.length >= EVENTS_PER_LANE || lane.characters >= this.#charactersPerLane;
  }

  #lane(index: number): Lane {
    const lane = this.#lanes[index];
    if (lane === undefined)
      throw new RangeError(`There is no lane ${index} of ${this.#lanes.length}`);
    return lane;
  }
}
