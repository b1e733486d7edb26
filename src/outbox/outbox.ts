import type { Clock } from '../core/clock.js';
import type { Entries } from './entries.js';
import type { Exchange } from './exchange.js';
import type { Feed } from './feed.js';
import type { Intake } from './intake.js';
import type { Statistics } from './statistics.js';
import type { OutboxStore } from './store.js';

/**
 * The outbox: holds events between the answer and the sinks. It is the sum of its ports; each room takes only the ports
 * that it needs.
 *
 * The ports fit one process on SQLite as well as many processes on a shared store. Ids are opaque texts, not numbers. A
 * claim is not a row. No caller may assume that its process is the only one. Every implementation passes
 * `test/outbox/contract`.
 */
export interface Outbox extends Intake, Feed, Entries, Statistics, OutboxStore {
  /** How many live processes accept deliveries for the store, as far as this one knows; absent if it is not shared. */
  readonly receivers?: number;
  /** Absent if the store is not shared, or its members do not tell each other what they record. */
  readonly exchange?: Exchange;
}

/** What every engine needs from its surroundings. */
export interface OutboxDeps {
  readonly clock: Clock;
  readonly log: OutboxLog;
  readonly observer?: OutboxObserver;
}

export interface OutboxLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A loss caused by a limit or an operator. */
export type Loss =
  /** Pending events of a sink, removed at its limit or by an operator. */
  | { readonly what: 'discarded' | 'dead-lettered'; readonly name: string }
  /** Entries above a limit of `outbox.quarantine` (by source) or `outbox.deadLetters` (by sink). */
  | {
      readonly what: 'quarantine' | 'deadLetters';
      readonly name: string;
      readonly bound: 'max' | 'keep';
    };

/** Receives what limits remove, for the metrics. It neither throws nor waits. */
export interface OutboxObserver {
  lost(loss: Loss, events: number): void;
  /** The store refused the outcomes of so many events: another member had taken over their partitions. */
  stale?(events: number): void;
  /** A transaction of another program delays delivery for so many milliseconds by now; 0 if none does. */
  readingDelayed?(milliseconds: number): void;
}
