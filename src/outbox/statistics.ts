import type { Role } from './role.js';
import type { FullPolicy } from './store.js';

/** The port that counts events. */
export interface Statistics {
  stats(): Promise<OutboxStats>;

  /** Returns the live processes that share the store, the oldest first; none if it cannot be shared. */
  members(): Promise<readonly MemberState[]>;
}

export interface OutboxStats {
  /** Accepted, duplicate and quarantined events over the lifetime of the store. */
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  /** The number of entries in quarantine now. */
  readonly inQuarantine: number;
  /** The largest backlog of any sink, which `maxPending` limits. */
  readonly pending: number;
  readonly sinks: readonly SinkBacklog[];
  /** Sinks that are not configured but would receive something if they were configured again, or have missed some. */
  readonly former: readonly FormerSink[];
}

/** A sink that is not configured now. */
export interface FormerSink {
  readonly name: string;
  /** What it would receive if it were configured again. */
  readonly pending: number;
  /** When the oldest of these arrived, in milliseconds since the epoch; absent if there are none. */
  readonly oldestReceivedAt?: number;
  /** Events that passed the retention while it was not configured. They are gone. */
  readonly missed: number;
}

/** A process that shares the store. */
export interface MemberState {
  readonly name: string;
  readonly role: Role;
  /** Whether it is this process. */
  readonly isSelf: boolean;
  /** Milliseconds since its last sign of life, by the clock of the store. */
  readonly silentFor: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The number of partitions that it delivers, over all sinks. */
  readonly partitions: number;
}

export interface SinkBacklog {
  readonly name: string;
  /** Events not settled yet. */
  readonly pending: number;
  /** When the oldest pending event arrived, in milliseconds since the epoch; absent if none is pending. */
  readonly oldestReceivedAt?: number;
  readonly delivered: number;
  /** Excluded by the sink's filter or transform. */
  readonly filtered: number;
  /** Removed undelivered, by the sink's limit, by an operator, or by `start: next`. */
  readonly discarded: number;
  /** Passed the retention while the sink was not configured. They are gone. */
  readonly missed: number;
  readonly deadLetters: number;
  /** The limit of pending events, and what happens at it. */
  readonly maxPending: number;
  readonly full: FullPolicy;
  /** Whether an operator has paused the sink. */
  readonly paused: boolean;
}
