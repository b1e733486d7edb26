import { type ErrorCode, messageOf, TrackbridgeError } from '../../../core/errors.js';
import { DisplacedError } from './presence.js';

/** An error in a form that can be sent between threads. */
export type Failure =
  | {
      readonly code: ErrorCode;
      readonly message: string;
      readonly detail?: string;
      /** A DisplacedError. */
      readonly displaced?: true;
    }
  /** An SQLite error with its extended result code. */
  | { readonly sqlite: number; readonly message: string };

// Primary result codes of SQLite.
const PERMISSION = 3;
const BUSY = 5;
const NO_MEMORY = 7;
const READ_ONLY = 8;
const INTERRUPTED = 9;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const NOT_AUTHORIZED = 23;
const NOT_A_DATABASE = 26;

/** An extended code: the file is shorter than SQLite expects. */
const SHORT_READ = IO_ERROR | (2 << 8);

/** These codes concern the disk, the permissions or the memory, not the content of the file. */
const AROUND_THE_FILE: ReadonlySet<number> = new Set([
  ...[PERMISSION, BUSY, NO_MEMORY, READ_ONLY, INTERRUPTED, IO_ERROR],
  ...[FULL, CANNOT_OPEN, NOT_AUTHORIZED],
]);

/** How long a sender should wait while the disk is full or failing, in milliseconds: an operator has to act. */
const RETRY_AFTER_DISK_ERROR = 5_000;

/** Returns the result code of an SQLite error (the low byte of the extended one); undefined for any other error. */
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

/** Returns whether a failed read says nothing about the store: a retry may find it sound. */
export function isAroundFile(error: unknown): boolean {
  const code = extendedCode(error);
  if (code === undefined) return (error as NodeJS.ErrnoException).syscall !== undefined;
  return isCodeAroundFile(code);
}

/** The same for an extended result code of SQLite. */
export function isCodeAroundFile(code: number): boolean {
  return code !== SHORT_READ && AROUND_THE_FILE.has(code & 0xff);
}

/** Returns what kept the disk from working and what to do about it; undefined if the disk was not the cause. */
export function diskTrouble(name: string, error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (sqliteCode(error) === FULL || code === 'ENOSPC' || code === 'EDQUOT') {
    return `the disk of ${name} is full; free some space and start again`;
  }
  if (sqliteCode(error) === IO_ERROR || code === 'EIO') {
    return `the disk of ${name} reports an error (${reasonOf(error)}); the store may be intact; check the disk and start again`;
  }
  return undefined;
}

/** Returns why a system call or SQLite failed, for use within a sentence. */
export function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || sqliteCode(error) !== undefined ? messageOf(error) : code;
}

/** Returns whether the connection can still be used after this error. After others its state is unknown. */
export function keepsConnection(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === FULL || code === BUSY || code === NO_MEMORY;
}

/** Serializes an error for the event loop. */
export function toFailure(error: unknown): Failure {
  if (error instanceof TrackbridgeError) {
    const { code, message, cause } = error;
    if (error instanceof DisplacedError) return { code, message, displaced: true };
    return cause === undefined ? { code, message } : { code, message, detail: messageOf(cause) };
  }
  return { sqlite: extendedCode(error) ?? 0, message: messageOf(error) };
}

/** Restores an error: one of ours unchanged, one of SQLite as OUTBOX_UNAVAILABLE with SQLite's message as its cause. */
export function fromFailure(failure: Failure): TrackbridgeError {
  if ('code' in failure) {
    const { code, message, detail, displaced } = failure;
    if (displaced === true) return new DisplacedError(message);
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
  if (code === FULL) return 'The disk of the outbox is full; free some space, and writes resume';
  if (code === CORRUPT || code === NOT_A_DATABASE) {
    return 'The outbox file is damaged; stop the receiver and restore or recover it';
  }
  return 'The outbox cannot be written; check its disk';
}
