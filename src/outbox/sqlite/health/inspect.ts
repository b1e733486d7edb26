import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { messageOf, TrackbridgeError } from '../../../core/errors.js';
import { ask, hasColumn } from '../file/ask.js';
import { shmPath, walPath } from '../file/place.js';
import { APPLICATION_ID, MOVED } from '../file/schema.js';
import type { KnownStore } from '../thread/messages.js';
import { countMissing } from './content.js';
import { diskTrouble, isAroundFile, isBusy, isCodeAroundFile, reasonOf } from './failure.js';
import { type Progress, refuseGap, refuseLoss, refuseOther } from './loss.js';
import { type Mark, readMark } from './mark.js';
import { countGarbled } from './sum.js';

// Offsets and meanings: https://www.sqlite.org/fileformat.html#the_database_header
const HEADER_LENGTH = 100;
const MAGIC = 'SQLite format 3\0';
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

/** Above this size, checking every entry would delay the start by seconds. */
const READ_ALL_UP_TO = 256 * 1024 * 1024;

export interface InspectOptions {
  /** The size of a file, in bytes, up to which all of it is read. */
  readonly readAllUpTo?: number;
  /** The store that this process had open before. */
  readonly known?: KnownStore | undefined;
}

/**
 * Inspects an existing store without changing a byte of it. Returns warnings for the operator although it is sound.
 *
 * A store of up to 256 MB is read completely, and so is a store of any size whose files look unusual. For other large
 * stores, only what SQLite needs to open them is read, and the mark.
 *
 * Throws OUTBOX_CORRUPT if the store is damaged, START_FAILED if it belongs to another program or a newer version, or
 * is in use.
 */
export function inspectStoreFile(
  path: string,
  newestVersion: number,
  { readAllUpTo = READ_ALL_UP_TO, known }: InspectOptions = {},
): string[] {
  // Read before the store: another process may be writing both, and then the mark must not be the newer one.
  const mark = readMark(path);
  inspectHead(path, newestVersion);
  const thorough = statSync(path).size < readAllUpTo || isUnusual(path, mark);
  return readOnly(path, (database) => {
    const progress = readProgress(database);
    // Checked first: two stores mixed in one look damaged, too.
    refuseForeignLog(path, progress);
    if (known !== undefined) refuseOther(path, known, progress);
    if (thorough) refuseUnsound(path, database, 'quick_check');
    const warnings = refuseLoss(path, mark, progress);
    if (thorough) refuseGap(path, mark, countMissing(database));
    return warnings;
  });
}

/** Returns whether the files look as they rarely do after a mere kill, which is a reason to read the whole store. */
function isUnusual(path: string, mark: Mark | 'none' | 'unreadable'): boolean {
  const header = readHeader(path);
  // The file was truncated, or the process was killed during a checkpoint that extended it.
  if (statSync(path).size < sizeByHead(header)) return true;
  // A process that was killed leaves a -wal.
  return typeof mark === 'object' && !mark.closed && walSize(path) === 0;
}

/** Throws OUTBOX_CORRUPT if SQLite's check finds the structure damaged, or an entry is garbled. */
export function refuseUnsound(
  path: string,
  database: DatabaseSyncInstance,
  check: 'quick_check' | 'integrity_check',
): void {
  const findings = `SELECT ${check} AS finding FROM pragma_${check} LIMIT 3`;
  const found = ask(database, `SELECT group_concat(finding, '; ') FROM (${findings})`);
  if (found !== 'ok') {
    const cause = new Error(String(found));
    throw isUnread(String(found)) ? unreadable(path, cause) : damaged(path, 'is damaged', cause);
  }
  const garbled = countGarbled(database);
  if (garbled === 0) return;
  const what =
    garbled === 1
      ? '1 entry has changed since it was'
      : `${garbled} entries have changed since they were`;
  throw damaged(path, `is damaged: ${what} written`);
}

/** SQLite lists a page that the disk failed to return among its findings. */
function isUnread(findings: string): boolean {
  const [, code] = /\berror code=(\d+)/.exec(findings) ?? [];
  return code === undefined
    ? /\bfailed to get page\b/.test(findings)
    : isCodeAroundFile(Number(code));
}

/**
 * Checks what can be checked without SQLite: whether the file is a store, whether it is complete, and whether this
 * version supports it. Throws as above.
 */
export function inspectHead(path: string, newestVersion: number): void {
  const header = readHeader(path);
  const size = statSync(path).size;
  if (size === 0) throw damaged(path, 'is empty');
  if (header.length < HEADER_LENGTH || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw damaged(path, 'is not an SQLite database, or its header is overwritten');
  }
  if (header.readUInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID) {
    throw new TrackbridgeError(
      'START_FAILED',
      `${basename(path)} is a database of another program; set outbox.path to a file of its own`,
    );
  }
  refuseNewer(path, header.readUInt32BE(USER_VERSION_AT), newestVersion);
  // With a -wal the file may be shorter: its last pages may not have been copied yet.
  if (walSize(path) === 0 && size < sizeByHead(header)) {
    throw damaged(path, 'is cut off');
  }
}

export function refuseNewer(path: string, version: number, newestVersion: number): void {
  if (version <= newestVersion) return;
  if (version === MOVED) {
    throw new TrackbridgeError(
      'START_FAILED',
      `the content of ${basename(path)} was moved to another store; configure that one, or set outbox.path to another file`,
    );
  }
  throw new TrackbridgeError(
    'START_FAILED',
    `${basename(path)} was written by a newer version (schema ${version}, this one knows ${newestVersion}); ` +
      'run that version, or set outbox.path to another file',
  );
}

/** Returns OUTBOX_CORRUPT with the problem and the remedies. It names the file but not its directory. */
export function damaged(path: string, what: string, cause?: unknown): TrackbridgeError {
  const name = basename(path);
  return new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} ${what}; restore a backup, recover it with "sqlite3 ${name} .recover", or move ${name} and ${name}-* away ` +
      'together to start empty',
    cause === undefined ? {} : { cause },
  );
}

/** Returns START_FAILED for a store that may be sound: nobody should replace it because of this error. */
function unreadable(path: string, cause: Error): TrackbridgeError {
  const name = basename(path);
  return new TrackbridgeError(
    'START_FAILED',
    diskTrouble(name, cause) ??
      `${name} could not be read (${reasonOf(cause)}); the store may be intact; check the disk and the directory's permissions, and start again`,
    { cause },
  );
}

export function inUse(path: string, cause: unknown): TrackbridgeError {
  return new TrackbridgeError(
    'START_FAILED',
    `${basename(path)} is in use by another process; stop that process, or set outbox.path to another file`,
    { cause },
  );
}

function readHeader(path: string): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_LENGTH);
    return header.subarray(0, readSync(descriptor, header, 0, HEADER_LENGTH, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** Returns the expected file size. The one page size that does not fit into two bytes, 65536, is stored as 1. */
function sizeByHead(header: Buffer): number {
  const written = header.readUInt16BE(PAGE_SIZE_AT);
  return (written === 1 ? 65_536 : written) * header.readUInt32BE(PAGE_COUNT_AT);
}

function walSize(path: string): number {
  return statSync(walPath(path), { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Lets `work` read the store without leaving a trace. Uses a read-only connection, since closing a writable one could
 * copy the -wal into a damaged file. SQLite's errors become OUTBOX_CORRUPT, or START_FAILED if the store is in use.
 */
export function readOnly<T>(path: string, work: (database: DatabaseSyncInstance) => T): T {
  const [log, shared] = [walPath(path), shmPath(path)];
  const [hadLog, hadShared] = [existsSync(log), existsSync(shared)];
  let sound = false;
  let database: DatabaseSyncInstance | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
    const answer = work(database);
    sound = true;
    return answer;
  } catch (error) {
    throw explainReading(path, error);
  } finally {
    database?.close();
    // The read-only connection leaves these files behind. The -wal of a sound store is kept: another process may just
    // be opening it, and deleting its -wal would lose its writes.
    if (!hadShared) rmSync(shared, { force: true });
    if (!hadLog && !sound && statSync(log, { throwIfNoEntry: false })?.size === 0) rmSync(log);
  }
}

/** Returns an error of ours for a store with a valid header that could not be read. */
export function explainReading(path: string, error: unknown): TrackbridgeError {
  if (error instanceof TrackbridgeError) return error;
  if (isBusy(error)) return inUse(path, error);
  if (error instanceof Error && isAroundFile(error)) return unreadable(path, error);
  return damaged(path, `cannot be read (${messageOf(error)})`, error);
}

/**
 * Lets `work` read the database file alone, without its -wal, and as immutable, which creates no file. Throws SQLite's
 * errors.
 */
export function readFileAlone<T>(path: string, work: (database: DatabaseSyncInstance) => T): T {
  const database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** SQLite uses any -wal that it finds. Throws OUTBOX_CORRUPT if the -wal belongs to another store than the file. */
export function refuseForeignLog(path: string, { store }: Progress): void {
  if (store === '' || walSize(path) === 0) return;
  let own: string;
  try {
    own = readFileAlone(path, readProgress).store;
  } catch {
    // During a checkpoint the file alone may be unreadable.
    return;
  }
  if (own === '' || own === store) return;
  const name = basename(path);
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name}-wal belongs to another store than ${name}; restore the right one, or move ${name}-wal away`,
  );
}

/** Returns the store's own record of its progress. */
export function readProgress(database: DatabaseSyncInstance): Progress {
  const store = hasColumn(database, 'ledger', 'store') ? 'store' : "''";
  const row = ask(database, `SELECT json_array(${store}, tail, quarantined) FROM ledger`);
  const [id, tail, quarantined] = JSON.parse(String(row)) as [string, number, number];
  return { store: id, tail, quarantined };
}
