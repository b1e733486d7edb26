import type { BackupState } from '../../backup.js';
import type { Bounds } from '../../bounds.js';
import type { DeadLetter, EntryFilter, Quarantined, Requeued } from '../../entries.js';
import type { EventColumns } from '../../event-columns.js';
import type { Attempt, Settlement } from '../../feed.js';
import type { AcceptedEvent, NewEvent, NewQuarantined } from '../../intake.js';
import type { Replay, ReplayAct, ReplayCount, ReplayFilter } from '../../replay/replays.js';
import type { Retention } from '../../retention.js';
import type { OutboxStats } from '../../statistics.js';
import type { SinkSettings } from '../../store.js';
import type { Failure } from '../health/failure.js';
import type { Rescue } from '../health/rescue.js';
import type { Notice } from '../store/notices.js';

/** What the event loop and the thread that owns the SQLite connection say to each other. All of it can be cloned. */

export interface StoreOptions {
  readonly path: string;
  readonly durability: 'full' | 'normal';
  /** Milliseconds. */
  readonly dedupeWindow: number;
  readonly maxPending: number;
  /** If absent, there are no limits. */
  readonly quarantine?: Bounds;
  readonly deadLetters?: Bounds;
}

export interface PositionSettlement {
  readonly position: number;
  readonly outcome: Settlement['outcome'];
  /** Set for `retry` and `dead`. */
  readonly attempt?: Attempt;
  /** Whether the store holds attempts of this event. The usual settlement then need not look for them. */
  readonly tried: boolean;
}

/** One step of a transaction. All steps of one `commit` are written together or not at all. */
export type Step =
  | {
      readonly kind: 'append';
      readonly events: readonly NewEvent[];
      readonly quarantined: readonly NewQuarantined[];
      readonly unauthenticatedLimit?: number | undefined;
    }
  | {
      readonly kind: 'settle';
      readonly sink: string;
      readonly settlements: readonly PositionSettlement[];
    }
  | { readonly kind: 'replay'; readonly ids: readonly number[] }
  | {
      readonly kind: 'requeue';
      readonly events: readonly AcceptedEvent[];
      readonly sinks: readonly string[];
    }
  | {
      readonly kind: 'purge';
      readonly of: 'deadLetters' | 'quarantine';
      readonly ids: readonly number[];
    }
  | { readonly kind: 'pause'; readonly sink: string; readonly paused: boolean }
  /** Purges the backlog of a sink. */
  | { readonly kind: 'discard'; readonly sink: string }
  | { readonly kind: 'accept'; readonly id: number; readonly event: NewEvent }
  | { readonly kind: 'beginReplay'; readonly sink: string; readonly filter: ReplayFilter }
  | { readonly kind: 'changeReplay'; readonly sink: string; readonly act: ReplayAct }
  | { readonly kind: 'stepReplay'; readonly sink: string; readonly window: number }
  | { readonly kind: 'probe' }
  /** Deletes a slice of the delivered events. */
  | { readonly kind: 'sweep'; readonly retention: Retention };

/** A position for each event, `null` for a duplicate; or why the delivery was not appended. */
export type AppendResult =
  | { readonly positions: readonly (number | null)[] }
  | { readonly refused: 'unauthenticated-full' }
  /** With the sinks whose backlogs are full. */
  | { readonly refused: 'full'; readonly sinks: readonly string[] };

export interface StepResults {
  append: AppendResult;
  settle: null;
  /** How many were requeued, and which ones remain. */
  replay: Requeued;
  /** For each sink the positions of the first events, as many as it had room for. */
  requeue: readonly { readonly sink: string; readonly positions: readonly number[] }[];
  purge: number;
  pause: 'paused' | 'unknown';
  /** The number of events. */
  discard: number | 'unknown';
  accept: AppendResult | 'missing' | 'garbled';
  beginReplay: Replay | 'unknown' | 'unfinished';
  changeReplay: Replay | 'unknown';
  stepReplay: Replay | null;
  /** The sinks whose full backlogs cause deliveries to be rejected. */
  probe: readonly string[];
  /** Whether there is more to delete. */
  sweep: boolean;
}

/** Steps in the form sent between the threads. A step that only appends is the number of its events. */
export interface PackedSteps extends EventColumns {
  readonly steps: readonly (Step | number)[];
}

/**
 * Results unchanged, except that a step that only appends has its positions without an object; for a single event, just
 * its position.
 */
export type PackedResult = StepResults[keyof StepResults] | readonly (number | null)[];

export interface ScanRequest {
  readonly sink: string;
  /** A larger text, in bytes, stays in the store: `json` is then null. */
  readonly large: number;
  /** The scan ends with the event whose text exceeds this total of bytes. Large texts are not counted. */
  readonly bytes: number;
  /** Positions after `from` up to and including `to`; absent, up to the newest event in the store. */
  readonly from: number;
  readonly to?: number;
  readonly lanes: number;
  /** Only events of these lanes; absent for all. */
  readonly only?: readonly number[];
}

export interface ScannedEvent {
  readonly position: number;
  readonly lane: number;
  readonly orderKey: string;
  /** Bytes of the text. */
  readonly bytes: number;
  readonly json: string | null;
  readonly attempts: readonly Attempt[];
  /** The checksum does not match. Unknown for a large text before it is read. */
  readonly isGarbled?: true;
}

/** The texts at some positions, null if there is no event or it is garbled. */
export interface StoredTexts {
  readonly texts: readonly (string | null)[];
  readonly garbled: readonly number[];
}

export interface Scan {
  readonly events: readonly ScannedEvent[];
  /** The position up to which the scan has looked. The next one continues from here. */
  readonly upTo: number;
}

/** What was committed: one result per step, and the position of the newest event in the store. */
export interface Committed {
  readonly results: readonly StepResults[keyof StepResults][];
  readonly tail: number;
  /** Absent if there are none. */
  readonly notices?: readonly Notice[];
}

/** A store that this process had open before, as it knows it. */
export interface KnownStore {
  readonly id: string;
  /** The newest position that was acknowledged. */
  readonly tail: number;
}

export interface Requests {
  open: {
    request: {
      readonly options: StoreOptions;
      readonly sinks: readonly SinkSettings[];
      /** Set if this process had the store open before: it must be the same store, with all of its content. */
      readonly known?: KnownStore;
    };
    reply: { readonly tail: number; readonly id: string };
  };
  /** Resolves to the sinks that are paused. */
  configure: { request: readonly SinkSettings[]; reply: readonly string[] };
  commit: {
    request: { readonly now: number; readonly steps: PackedSteps };
    reply: {
      readonly results: readonly PackedResult[];
      readonly tail: number;
      readonly notices?: readonly Notice[];
    };
  };
  scan: { request: ScanRequest; reply: Scan };
  texts: { request: readonly number[]; reply: StoredTexts };
  stats: { request: null; reply: OutboxStats };
  replays: { request: null; reply: readonly Replay[] };
  countReplay: {
    request: {
      readonly sink: string;
      readonly filter: ReplayFilter;
      readonly after: number | undefined;
    };
    reply: ReplayCount | 'unknown';
  };
  deadLetters: { request: EntryFilter; reply: readonly DeadLetter[] };
  deadLetter: { request: number; reply: DeadLetter | null };
  quarantine: { request: EntryFilter; reply: readonly Quarantined[] };
  quarantined: { request: number; reply: Quarantined | null };
  beginBackup: { request: null; reply: null };
  backupState: { request: null; reply: BackupState };
  takeBackup: { request: null; reply: string };
  discardBackup: { request: null; reply: null };
  /** Sent after a DisplacedError; see `rescueStore`. */
  rescue: { request: null; reply: Rescue };
  close: { request: null; reply: null };
}

export type RequestKind = keyof Requests;

/** A request on its way to the thread. */
export interface ThreadRequest {
  readonly kind: RequestKind;
  readonly request: Requests[RequestKind]['request'];
}

/** One reply per request, in order, with warnings in between. */
export type ThreadReply =
  | { readonly warning: string }
  | { readonly reply: Requests[RequestKind]['reply'] }
  | { readonly failure: Failure; readonly fatal: boolean };
