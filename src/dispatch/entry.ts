import type { Clock } from '../clock.js';
import type { Claimed } from '../outbox/outbox.js';
import type { SinkEvent } from '../sinks/sink.js';

/** A claimed event that is not settled yet. */
export interface Entry {
  readonly id: string;
  /** Failed attempts so far, those before a restart included. */
  failures: number;
  /** When the first of them was, on the monotonic clock; negative where it was before this process. */
  firstFailure: number | undefined;
  /** How many of the events to send have not arrived yet: one, unless a transform made more of it. */
  unsent: number;
  settled: boolean;
}

/** One event to send, and the claimed event that it settles. */
export interface Part {
  readonly entry: Entry;
  readonly event: SinkEvent;
}

/** When the first of these is given up, on the monotonic clock; Infinity where none has failed yet. */
export function giveUpAt(batch: readonly Part[], giveUpAfter: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { entry } of batch) first = Math.min(first, entry.firstFailure ?? first);
  return first + giveUpAfter;
}

/**
 * Takes a claimed event up. Its age is measured on the monotonic clock from here on, so that a wall clock that jumps
 * neither gives an event up early nor keeps it for ever; only attempts before a restart have to be read off the wall.
 */
export function toEntry(claimed: Claimed, unsent: number, clock: Clock): Entry {
  const [first] = claimed.attempts;
  return {
    id: claimed.id,
    failures: claimed.attempts.length,
    firstFailure:
      first === undefined ? undefined : clock.monotonic() - Math.max(clock.now() - first.at, 0),
    unsent,
    settled: false,
  };
}
