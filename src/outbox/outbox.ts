import type { Violation } from '../errors.js';

/**
 * The outbox: where events are between the answer and the sinks.
 *
 * Written so that one process on SQLite and many on NATS JetStream both fit: ids are opaque texts, a claim is not a row,
 * and nobody may assume to be the only consumer. Every implementation passes `test/outbox/contract.ts`.
 */
export interface Outbox {
  /** Names the store, the same for every process that opens it, now or later; known once it is open. */
  readonly id: string;

  /**
   * Opens or creates the store for these sinks. A sink that the store has not seen before starts with the next event.
   * Throws OUTBOX_CORRUPT where the store is damaged, and START_FAILED where it cannot be used; never starts a new store
   * over an old one.
   */
  open(sinks: readonly string[]): Promise<void>;

  /**
   * Resolves once everything of the delivery is durable, with one outcome an event in their order. All or nothing:
   * a rejection means that nothing of it was written, or (once the write was under way) that it is not known.
   *
   * Rejects with OUTBOX_FULL at the limit of pending events, QUARANTINE_FULL at the delivery's own limit,
   * OUTBOX_UNAVAILABLE where the store fails. An abort of
   * `signal` takes a delivery back that is still waiting for its turn; one whose write is under way runs on, and the
   * sender's next try is then a duplicate.
   */
  append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]>;

  /**
   * Makes events that were taken before pending once more for each of these sinks, at the end of the line, whatever became of
   * them there. They count as accepted no second time, and as nobody's duplicates. Resolves to their ids, those of the first
   * sink in the events' order, then those of the next. Rejects with OUTBOX_FULL where one of the sinks would have more pending
   * than `maxPending`; then nothing was done.
   */
  again(
    events: readonly Pick<NewEvent, 'orderKey' | 'json'>[],
    sinks: readonly string[],
  ): Promise<readonly string[]>;

  /** The consumer of one sink; `lanes` is over how many lanes its events are spread. One a sink at a time. */
  consumer(sink: string, lanes: number): Consumer;

  stats(): Promise<OutboxStats>;

  /**
   * Whether a write would be taken now: resolves, or rejects with what stands in the way, within two seconds also where
   * the store hangs. Writes nothing of note.
   */
  probe(): Promise<void>;

  readonly deadLetters: Shelf<DeadLetter> & {
    /** Makes these dead letters pending again for their sink, at the end of the line. Resolves to how many. */
    replay(ids: readonly string[]): Promise<number>;
  };

  readonly quarantine: Shelf<Quarantined> & {
    /** Accepts the event that a quarantined entry has become, and takes the entry away, as one step. */
    accept(id: string, event: NewEvent): Promise<Appended>;
  };

  /**
   * Finishes what is under way and closes the store. Nothing that was acknowledged depends on it.
   *
   * Rejects with OUTBOX_UNAVAILABLE where the disk does not answer for two seconds. What hangs in the system then cannot
   * be interrupted, nor does the process end by itself before it returns: the caller has to decide whether to kill it.
   */
  close(): Promise<void>;
}

export interface NewDelivery {
  readonly events: readonly NewEvent[];
  readonly quarantined: readonly NewQuarantined[];
  /**
   * How many entries with the reason `unauthenticated` may be in quarantine for their source with these; large ones count as
   * several (`unauthenticatedWeight`). Absent: no limit of its own.
   */
  readonly unauthenticatedLimit?: number;
}

export interface NewEvent {
  /** Within which a messageId is unique: the source's name, or its `dedupeGroup`. */
  readonly scope: string;
  /** Absent where the id was made here: such an event is nobody's duplicate. */
  readonly messageId?: string;
  /** An event that nothing authenticates never makes an authenticated one a duplicate. */
  readonly authenticated: boolean;
  /** Events with the same key keep their order within a sink. */
  readonly orderKey: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The canonical event as JSON text. */
  readonly json: string;
}

export interface NewQuarantined {
  readonly source: string;
  readonly deliveryId: string;
  readonly receivedAt: number;
  /** A word for the reason: `invalid`, `unauthenticated`. */
  readonly reason: string;
  readonly errors: readonly Violation[];
  /** JSON text of the event as it was decoded, and of what its canonical form needs to know of the delivery. */
  readonly raw: string;
  readonly delivery: string;
}

/** `id` names the accepted event to consumers of this store. */
export type Appended =
  | { readonly outcome: 'accepted'; readonly id: string }
  | { readonly outcome: 'duplicate' };

/** Stands in an attempt's `error` before what the far side said, which may repeat the payload: not for lists and logs. */
export const FAR_SIDE_SAID = ', saying: ';

export interface Attempt {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One line; never a secret. */
  readonly error: string;
}

/** An event handed to a sink's lane, with the attempts that failed so far (also those before a restart). */
export interface Claimed {
  readonly id: string;
  readonly json: string;
  readonly orderKey: string;
  readonly attempts: readonly Attempt[];
}

export type Settlement =
  | { readonly id: string; readonly outcome: 'done' }
  /** One more attempt failed; the event stays claimed, and the store remembers the attempt across a restart. */
  | { readonly id: string; readonly outcome: 'retry'; readonly attempt: Attempt }
  /** Given up: becomes a dead letter with all its attempts, this last one included. */
  | { readonly id: string; readonly outcome: 'dead'; readonly attempt: Attempt };

export interface Consumer {
  /**
   * The next events of a lane, at most `max`, oldest first; `[]` at once where there are none. What was claimed is not
   * handed out again by this consumer until it is closed; unsettled claims come again, in order, from the next consumer.
   * All events of one order key are of one lane.
   */
  claim(lane: number, max: number): Promise<readonly Claimed[]>;

  /** Resolves once these are recorded durably. What was never recorded is delivered again after a restart. */
  settle(settlements: readonly Settlement[]): Promise<void>;

  /** Resolves when `lane` may have something to claim, or when `signal` aborts; never rejects. */
  available(lane: number, signal: AbortSignal): Promise<void>;

  close(): Promise<void>;
}

export interface SinkBacklog {
  readonly name: string;
  /** Events not settled yet. */
  readonly pending: number;
  /** When the oldest of them came in, milliseconds since the epoch; absent where none is pending. */
  readonly oldestReceivedAt?: number;
  readonly delivered: number;
  readonly deadLetters: number;
}

export interface OutboxStats {
  /** Accepted, duplicate and quarantined events over the life of the store. */
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  /** What is kept in quarantine now. */
  readonly inQuarantine: number;
  /** The largest backlog of any sink: what `maxPending` limits. */
  readonly pending: number;
  readonly sinks: readonly SinkBacklog[];
}

export interface DeadLetter {
  readonly id: string;
  readonly sink: string;
  /** When it was given up, milliseconds since the epoch. */
  readonly at: number;
  readonly attempts: readonly Attempt[];
  /** The canonical event as JSON text. */
  readonly json: string;
}

export interface Quarantined extends NewQuarantined {
  readonly id: string;
}

export interface ShelfFilter {
  /** The sink of dead letters, the source of quarantined events. */
  readonly name?: string;
  /** Only entries after this id, for paging. */
  readonly after?: string;
  /** At most 1,000. */
  readonly limit: number;
}

/** What was set aside and waits for an operator: dead letters, quarantine. Oldest first. */
export interface Shelf<Entry> {
  list(filter: ShelfFilter): Promise<readonly Entry[]>;
  get(id: string): Promise<Entry | undefined>;
  /** Takes these away for good. Resolves to how many there were. */
  purge(ids: readonly string[]): Promise<number>;
}
