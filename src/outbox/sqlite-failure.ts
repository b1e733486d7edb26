import { messageOf, TrackbridgeError } from '../errors.js';
import type { Failure } from './sqlite-messages.js';

// Primary result codes of SQLite.
const BUSY = 5;
const NO_MEMORY = 7;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** How long a sender should wait while the disk is full or failing, milliseconds: an operator has to act. */
const RETRY_AFTER_DISK_ERROR = 5_000;

/** The result code of an SQLite error (the low byte of the extended one); undefined for anything else. */
function sqliteCode(error: unknown): number | undefined {
  const code = extendedCode(error);
  return code === undefined ? undefined : code & 0xff;
}

function extendedCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { sqliteExtendedCode, errcode } = error as Error & Record<string, unknown>;
  if (typeof sqliteExtendedCode === 'number') return sqliteExtendedCode;
  return typeof errcode === 'number' ? errcode : undefined;
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === BUSY;
}

export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CORRUPT || code === NOT_A_DATABASE;
}

/** Whether the connection may be used on after this error; after others its state is not known. */
export function keepsConnection(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === FULL || code === BUSY || code === NO_MEMORY;
}

/** Takes an error apart for the way to the event loop. */
export function toFailure(error: unknown): Failure {
  if (error instanceof TrackbridgeError) {
    const { code, message, cause } = error;
    return cause === undefined ? { code, message } : { code, message, detail: messageOf(cause) };
  }
  return { sqlite: extendedCode(error) ?? 0, message: messageOf(error) };
}

/** Puts a failure together again: ours as it was, one of SQLite as OUTBOX_UNAVAILABLE with SQLite's words as cause. */
export function fromFailure(failure: Failure): TrackbridgeError {
  if ('code' in failure) {
    const { code, message, detail } = failure;
    return new TrackbridgeError(code, message, {
      ...(detail === undefined ? {} : { cause: new Error(detail) }),
      ...(code === 'OUTBOX_UNAVAILABLE' ? { retryAfter: RETRY_AFTER_DISK_ERROR } : {}),
    });
  }
  return new TrackbridgeError('OUTBOX_UNAVAILABLE', describe(failure.sqlite & 0xff), {
    cause: new Error(`${failure.message} (SQLite ${failure.sqlite})`),
    retryAfter: RETRY_AFTER_DISK_ERROR,
  });
}

function describe(code: number): string {
  if (code === FULL)
    return 'The disk of the outbox is full; free some space, nothing else is needed';
  if (code === CORRUPT || code === NOT_A_DATABASE) {
    return 'The outbox file is damaged; stop the receiver and restore or recover it';
  }
  return 'The outbox cannot be written; look at the disk it is on';
}
