import type { Attempt } from './feed.js';
import type { Appended, NewEvent, NewQuarantined } from './intake.js';

/** The port through which an operator manages the events that were not delivered or not accepted. */
export interface Entries {
  readonly deadLetters: DeadLetterStore;
  readonly quarantine: QuarantineStore;
}

/** Entries that wait for an operator: dead letters or quarantine. Oldest first. */
export interface EntryStore<Entry> {
  list(filter: EntryFilter): Promise<readonly Entry[]>;
  get(id: string): Promise<Entry | undefined>;
  /** Deletes these permanently. Resolves to how many there were. */
  purge(ids: readonly string[]): Promise<number>;
}

export interface DeadLetterStore extends EntryStore<DeadLetter> {
  /** Makes these pending again for their sink, at the end of its backlog, as many as it has room for. */
  requeue(ids: readonly string[]): Promise<Requeued>;
}

export interface QuarantineStore extends EntryStore<Quarantined> {
  /** Accepts the event that a quarantined entry has become, and removes the entry, atomically. */
  accept(id: string, event: NewEvent): Promise<Appended>;
}

export interface EntryFilter {
  /** The sink of dead letters, the source of quarantined events. */
  readonly name?: string;
  /** Only entries after this id, for paging. */
  readonly after?: string;
  /** At most 1,000. */
  readonly limit: number;
}

export interface DeadLetter {
  readonly id: string;
  readonly sink: string;
  /** When it was given up, in milliseconds since the epoch. */
  readonly at: number;
  readonly attempts: readonly Attempt[];
  /** The canonical event as JSON text. */
  readonly json: string;
}

export interface Quarantined extends NewQuarantined {
  readonly id: string;
}

/** The result of requeueing dead letters. */
export interface Requeued {
  readonly requeued: number;
  readonly kept: readonly KeptDeadLetters[];
}

/** Dead letters that remain: their sink has no room or is not configured, or their checksum does not match. */
export interface KeptDeadLetters {
  readonly sink: string;
  readonly events: number;
  readonly why: 'full' | 'not configured' | 'garbled';
}
