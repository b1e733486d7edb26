import type { Clock } from '../../core/clock.js';
import type { Claimed } from '../../outbox/feed.js';
import type { SinkEvent } from '../../sinks/sink.js';

/**
 * The number of crashes after which an event is given up. A crash is an attempt that ends the process of the operator's
 * own code or blocks it for too long. Each one also delays the other events of its sink.
 */
export const MOST_CRASHES = 3;

/** A claimed event that is not settled. */
export interface Entry {
  readonly id: string;
  /** Length of its JSON text. */
  readonly size: number;
  /** Its JSON text, until it is prepared as parts; undefined while its memory is released. */
  text: string | undefined;
  /** Bytes that it uses of the budget; 0 while its memory is released. */
  held: number;
  /** Failed attempts so far, including those before a restart. */
  failures: number;
  /** How many of them crashed. */
  crashes: number;
  /** When the first attempt failed, on the monotonic clock; negative if that was before this process started. */
  firstFailure: number | undefined;
  /** The events to send for it; empty until it is prepared. */
  parts: readonly Part[];
  /** How many of its parts are not delivered yet: one, unless a transform turned it into more. */
  unsent: number;
  settled: boolean;
  /** When it may be prepared again, on the monotonic clock. */
  notBefore: number;
}

/** One event to send, and the claimed event that it settles. */
export interface Part {
  readonly entry: Entry;
  /** Undefined while the memory of its entry is released. */
  event: SinkEvent | undefined;
}

/** Returns when the first of these is given up, on the monotonic clock; Infinity if none has failed yet. */
export function giveUpAt(batch: readonly Part[], giveUpAfter: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { entry } of batch) first = Math.min(first, entry.firstFailure ?? first);
  return first + giveUpAfter;
}

/**
 * Makes an entry of a claimed event. From here on its age is measured on the monotonic clock, so that a jump of the
 * wall clock neither gives an event up early nor keeps it forever. Only attempts before a restart are dated by the wall
 * clock.
 */
export function toEntry({ id, json, attempts }: Claimed, clock: Clock): Entry {
  const [first] = attempts;
  return {
    id,
    size: json.length,
    text: json,
    held: json.length,
    failures: attempts.length,
    crashes: attempts.filter(({ crashed }) => crashed).length,
    firstFailure:
      first === undefined ? undefined : clock.monotonic() - Math.max(clock.now() - first.at, 0),
    parts: [],
    unsent: 0,
    settled: false,
    notBefore: 0,
  };
}

/** Makes these events the parts of an entry. Their texts replace its own. */
export function becomes(entry: Entry, events: readonly SinkEvent[]): readonly Part[] {
  entry.text = undefined;
  entry.parts = events.map((event) => ({ entry, event }));
  entry.unsent = events.length;
  return entry.parts;
}
