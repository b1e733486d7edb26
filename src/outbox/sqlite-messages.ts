import type { ErrorCode } from '../errors.js';
import type {
  Attempt,
  DeadLetter,
  NewEvent,
  NewQuarantined,
  OutboxStats,
  Quarantined,
  ShelfFilter,
} from './outbox.js';

/** What the event loop and the thread that owns the SQLite connection say to each other. All of it can be cloned. */

export interface StoreOptions {
  readonly path: string;
  readonly durability: 'full' | 'normal';
  /** Milliseconds. */
  readonly dedupeWindow: number;
  readonly maxPending: number;
}

export interface PositionSettlement {
  readonly position: number;
  readonly outcome: 'done' | 'retry' | 'dead';
  /** Of `retry` and `dead`. */
  readonly attempt?: Attempt;
  /** Whether the store holds attempts of this event, so that the usual settlement need not look for them. */
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
      readonly kind: 'again';
      readonly events: readonly Pick<NewEvent, 'orderKey' | 'json'>[];
      readonly sinks: readonly string[];
    }
  | {
      readonly kind: 'purge';
      readonly shelf: 'dead' | 'quarantine';
      readonly ids: readonly number[];
    }
  | { readonly kind: 'accept'; readonly id: number; readonly event: NewEvent }
  | { readonly kind: 'probe' }
  /** Deletes a slice of what was delivered; `retention` in milliseconds. */
  | { readonly kind: 'sweep'; readonly retention: number };

/** A position for each event, `null` for a duplicate; or why nothing was taken. */
export type AppendResult =
  | { readonly positions: readonly (number | null)[] }
  | { readonly refused: 'full' | 'quarantine-full' | 'unauthenticated-full' };

export interface StepResults {
  append: AppendResult;
  settle: null;
  /** How many. */
  replay: number;
  /** Positions, sink by sink. */
  again: readonly number[] | 'full';
  purge: number;
  accept: AppendResult | 'missing';
  probe: 'ok' | 'full';
  /** Whether there is more to delete. */
  sweep: boolean;
}

/**
 * Steps on the way between the threads. Cloning an object writes the name of each of its properties, every time; so
 * events go as one array a field, which costs less than half. A step that only appends is the number of its events.
 */
export interface PackedSteps {
  readonly steps: readonly (Step | number)[];
  readonly scope: readonly string[];
  readonly messageId: readonly (string | undefined)[];
  readonly authenticated: readonly boolean[];
  readonly orderKey: readonly string[];
  readonly receivedAt: readonly number[];
  readonly json: readonly string[];
}

/** Results as they are, but of a step that only appends the positions without an object; of a single event, just that. */
export type PackedResult = StepResults[keyof StepResults] | readonly (number | null)[];

export interface ScanRequest {
  readonly sink: string;
  /** Positions after `from` up to and including `to`. */
  readonly from: number;
  readonly to: number;
  readonly lanes: number;
  /** Only events of these lanes; absent for all. */
  readonly only?: readonly number[];
}

export interface ScannedEvent {
  readonly position: number;
  readonly lane: number;
  readonly orderKey: string;
  readonly json: string;
  readonly attempts: readonly Attempt[];
}

export interface Scan {
  readonly events: readonly ScannedEvent[];
  /** Up to where the scan has looked; the next one continues from here. */
  readonly upTo: number;
}

/** What was committed: one result a step, and the position of the newest event in the store. */
export interface Committed {
  readonly results: readonly StepResults[keyof StepResults][];
  readonly tail: number;
}

export interface Requests {
  open: {
    request: { readonly options: StoreOptions; readonly sinks: readonly string[] };
    reply: { readonly tail: number; readonly id: string };
  };
  commit: {
    request: { readonly now: number; readonly steps: PackedSteps };
    reply: { readonly results: readonly PackedResult[]; readonly tail: number };
  };
  scan: { request: ScanRequest; reply: Scan };
  stats: { request: null; reply: OutboxStats };
  deadLetters: { request: ShelfFilter; reply: readonly DeadLetter[] };
  deadLetter: { request: number; reply: DeadLetter | null };
  quarantine: { request: ShelfFilter; reply: readonly Quarantined[] };
  quarantined: { request: number; reply: Quarantined | null };
  close: { request: null; reply: null };
}

export type RequestKind = keyof Requests;

/** An error in a form that survives the way between threads. */
export type Failure =
  | { readonly code: ErrorCode; readonly message: string; readonly detail?: string }
  /** Of SQLite: its extended result code. */
  | { readonly sqlite: number; readonly message: string };
