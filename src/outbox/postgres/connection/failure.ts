import { messageOf, TrackbridgeError } from '../../../core/errors.js';
import { printable } from '../../../core/printable.js';

/** How long senders are asked to wait while the store is out of reach, in milliseconds. */
export const RETRY_AFTER = 5_000;

/** Returns the SQLSTATE that the server answered with; undefined if it did not answer. */
export function stateOf(error: unknown): string | undefined {
  const { code, severity } = Object(error) as { code?: unknown; severity?: unknown };
  // Codes of Node's own errors, such as EPIPE, have five letters too, but no severity.
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
}

/** Whether the same statement can succeed at once: another transaction was in the way. */
export function isConflict(error: unknown): boolean {
  const state = stateOf(error);
  return state === '40P01' || state === '40001' || state === '55P03';
}

/** Whether the server has said that nothing of the statement was done. */
export function isRefused(error: unknown): boolean {
  const state = stateOf(error);
  // 57P0x and 08xxx end the connection, perhaps between a commit and its answer.
  return state !== undefined && !state.startsWith('08') && !state.startsWith('57P');
}

/** Interprets an error of the driver. It says what to do and quotes no value. */
export function storeFailure(error: unknown, server: string): TrackbridgeError {
  if (error instanceof TrackbridgeError) return error;
  const state = stateOf(error);
  const why =
    state === undefined
      ? `cannot be reached: ${printable(messageOf(error) || String(Object(error).code), 200)}`
      : `${meaningOf(state, error)} (SQLSTATE ${state})`;
  const message = `The store at ${server} ${why}`;
  return new TrackbridgeError('OUTBOX_UNAVAILABLE', message, {
    cause: error,
    retryAfter: RETRY_AFTER,
  });
}

function meaningOf(state: string, error: unknown): string {
  switch (state) {
    case '3D000':
      return 'has no such database; create it, or correct outbox.url';
    case '3F000':
    case '42P01':
    case '42703':
      return 'lacks tables of the outbox; restore its schema from a backup';
    case '42501':
      return 'denies the user permission; grant it';
    case '25006':
      return 'is read-only; name the primary in outbox.url';
    case '53100':
      return 'has no disk space left; free some';
    case '53300':
      return 'has no connections left; raise max_connections, or use a pooler';
    case '57014':
      return 'canceled a statement that took too long';
  }
  switch (state.slice(0, 2)) {
    case '28':
      return 'rejected the user or password; correct outbox.url';
    case '53':
      return 'has no resources left';
    case '57':
      return 'is shutting down or starting';
    default:
      return `failed: ${printable(messageOf(error), 200)}`;
  }
}
