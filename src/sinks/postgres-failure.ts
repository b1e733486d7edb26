import { messageOf } from '../errors.js';
import { printable } from './printable.js';
import { SinkError } from './sink.js';

/** Where the server is and what the operator calls things, for messages; never a password. */
export interface Place {
  /** `host:port`. */
  readonly server: string;
  readonly database: string;
}

/**
 * SQLSTATE classes that are about the rows: data exception, integrity constraint, limit of the program (a row too wide),
 * raised by a trigger. Sending the same rows again fails again.
 */
const ABOUT_ROWS = new Set(['22', '23', '54', 'P0']);

/**
 * Says what an error of the driver means. Classes about the rows are permanent, and the dispatcher halves the batch until
 * it has the culprit. All others may pass, also those about the table, the rights or the password: a table that was
 * dropped or a password that was changed must not turn a backlog into dead letters. `create` says whether the sink makes
 * tables by itself.
 */
export function postgresFailure(error: unknown, place: Place, create: boolean): SinkError {
  if (error instanceof SinkError) return error;
  const state = stateOf(error);
  if (state === undefined) {
    const why = printable(messageOf(error) || String(Object(error).code), 200);
    return new SinkError(`${place.server} cannot be reached: ${why}`, {
      retryable: true,
      cause: error,
    });
  }
  const retryable = !ABOUT_ROWS.has(state.slice(0, 2));
  return new SinkError(`${place.server} ${meaningOf(state, place, create)} (SQLSTATE ${state})`, {
    retryable,
    // PostgreSQL repeats values in its messages.
    excerpt: printable(messageOf(error), 200),
    cause: error,
  });
}

/** The SQLSTATE that the server answered with; undefined where it did not answer. */
export function stateOf(error: unknown): string | undefined {
  const { code, severity } = Object(error) as { code?: unknown; severity?: unknown };
  // Codes of Node's own errors, such as EPIPE, have five letters too, but no severity.
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
}

function meaningOf(state: string, { database }: Place, create: boolean): string {
  switch (state) {
    case '3D000':
      return `has no database ${printable(database, 63)}; create it`;
    case '3F000':
    case '42P01':
    case '42703':
      return create
        ? 'lost a table or column under way; it is created anew'
        : 'lacks a schema, table or column that is needed; create it, or set create: true';
    case '42P10':
      return 'has no primary key or unique index that tells duplicates; add it to the table';
    case '42501':
      return 'gives the user no right to do this; grant it';
    case '25006':
      return 'is read-only; connect to the primary';
    case '57014':
      return 'cancelled the statement';
  }
  switch (state.slice(0, 2)) {
    case '28':
      return 'refuses the user or the password; check url';
    case '42':
      return 'cannot use the table as it is; its columns are not what the sink expects';
    case '53':
      return 'has no resources left';
    case '57':
      return 'is shutting down or starting';
    case '22':
      return 'does not take a value of the event';
    case '23':
      return 'refuses the event, which breaks a constraint of the table';
    case '54':
      return 'does not take the event, which is beyond a limit of it';
    case 'P0':
      return 'refuses the event; a trigger or function raised an error';
    default:
      return 'failed';
  }
}
