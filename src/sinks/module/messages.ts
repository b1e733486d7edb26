import type { Failed, Failure } from '../sink.js';

/** Requests to the process of a module, and its replies. */

export interface CreateRequest {
  readonly path: string;
  readonly options: unknown;
  /** The sink's name. */
  readonly name: string;
}

/** What is wrong with the module; null if its sink was created. */
export type CreateReply = string | null;

/** The reply to `open`, `check` and `close`. */
export type DoneReply = Failure | null;

/** The JSON texts of the events. */
export type DeliverRequest = readonly string[];

/** One entry per event, null if it is delivered; one failure for all of them; or null if all are delivered. */
export type DeliverReply = readonly (Failed | null)[] | { readonly failure: Failure } | null;

/** Tells the process that the signal of a call has aborted. */
export interface AbortNote {
  readonly abort: number;
  readonly isLate: boolean;
}

/** A line of the module's log. */
export interface LogNote {
  readonly level: Level;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export type Level = 'debug' | 'info' | 'warn' | 'error';
