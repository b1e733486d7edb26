import { messageOf } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { SinkError } from '../sink.js';

/** The server's address and the operator's names for things, for messages; never a password. */
export interface Target {
  /** `host:port`. */
  readonly server: string;
  readonly database: string;
}

/**
 * SQLSTATE classes about the rows: data exception, integrity constraint violation, program limit exceeded (a row too
 * wide), raised by a trigger. A retry of the same rows fails again.
 */
const ABOUT_ROWS = new Set(['22', '23', '54', 'P0']);

/**
 * Interprets an error of the driver. Classes about the rows are permanent, and the dispatcher halves the batch until it
 * finds the event that causes it. All others are transient, including those about the table, the rights or the
 * password: a dropped table or a changed password must not turn a backlog into dead letters. `create`: whether the sink
 * creates tables itself.
 */
export function postgresFailure(error: unknown, target: Target, create: boolean): SinkError {
  if (error instanceof SinkError) return error;
  const state = stateOf(error);
  if (state === undefined) {
    const why = printable(messageOf(error) || String(Object(error).code), 200);
    return new SinkError(`${target.server} cannot be reached: ${why}`, {
      retryable: true,
      cause: error,
    });
  }
  const retryable = !ABOUT_ROWS.has(state.slice(0, 2));
  return new SinkError(`${target.server} ${meaningOf(state, target, create)} (SQLSTATE ${state})`, {
    retryable,
    // PostgreSQL repeats values in its messages.
    farSide: printable(messageOf(error), 200),
    cause: error,
  });
}

/** Returns the SQLSTATE that the server answered with; undefined if it did not answer. */
export function stateOf(error: unknown): string | undefined {
  const { code, severity } = Object(error) as { code?: unknown; severity?: unknown };
  // Codes of Node's own errors, such as EPIPE, have five letters too, but no severity.
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
}

function meaningOf(state: string, { database }: Target, create: boolean): string {
  switch (state) {
    case '3D000':
      return `has no database ${printable(database, 63)}; create it`;
    case '3F000':
    case '42P01':
    case '42703':
      return create
        ? 'lost a table or column during the write; Trackbridge creates it again'
        : 'lacks a required schema, table or column; create it, or set create: true';
    case '42P10':
      return 'has no primary key or unique index to detect duplicates; add one to the table';
    case '42501':
      return 'denies the user permission; grant it';
    case '25006':
      return 'is read-only; connect to the primary';
    case '57014':
      return 'canceled the statement';
  }
  switch (state.slice(0, 2)) {
    case '28':
      return 'rejected the user or password; check url';
    case '42':
      return 'cannot write to the table; its columns differ from those that the sink expects';
    case '53':
      return 'has no resources left';
    case '57':
      return 'is shutting down or starting';
    case '22':
      return 'rejected a value of the event';
    case '23':
      return 'rejected the event, which violates a constraint of the table';
    case '54':
      return 'rejected the event, which exceeds one of its limits';
    case 'P0':
      return 'rejected the event; a trigger or function raised an error';
    default:
      return 'failed';
  }
}
