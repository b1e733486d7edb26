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
  /** Removed undelivered, by the sink's limit or by an operator. */
  readonly discarded: number;
  readonly deadLetters: number;
  /** The limit of pending events, and what happens at it. */
  readonly maxPending: number;
  readonly full: FullPolicy;
  /** Whether an operator has paused the sink. */
  readonly paused: boolean;
}
