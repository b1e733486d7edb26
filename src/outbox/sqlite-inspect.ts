import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { messageOf, TrackbridgeError } from '../errors.js';
import { ask } from './sqlite-ask.js';
import { isBusy } from './sqlite-failure.js';
import { APPLICATION_ID } from './sqlite-schema.js';

// Offsets and meanings: https://www.sqlite.org/fileformat.html#the_database_header
const HEADER_LENGTH = 100;
const MAGIC = 'SQLite format 3\0';
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

/** Above this a full check would hold the start up for seconds. */
const CHECKED_UP_TO = 256 * 1024 * 1024;

/**
 * Looks at an existing store without changing a byte of it.
 *
 * Throws OUTBOX_CORRUPT where it is damaged, START_FAILED where it is another program's, a newer version's, or in use.
 */
export function inspectStoreFile(path: string, newestVersion: number): void {
  const header = readHeader(path);
  const size = statSync(path).size;
  if (size === 0) throw damaged(path, 'is empty');
  if (header.length < HEADER_LENGTH || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw damaged(path, 'is not an SQLite database, or its head is overwritten');
  }
  if (header.readUInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID) {
    throw new TrackbridgeError(
      'START_FAILED',
      `${basename(path)} is a database of another program; set outbox.path to a file of its own`,
    );
  }
  refuseNewer(path, header.readUInt32BE(USER_VERSION_AT), newestVersion);
  const walSize = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  // With a -wal the file may rightly be shorter: its last pages may not have been copied over yet.
  if (walSize === 0 && size < pageSize(header) * header.readUInt32BE(PAGE_COUNT_AT)) {
    throw damaged(path, 'is cut off');
  }
  if (size < CHECKED_UP_TO) quickCheck(path);
}

export function refuseNewer(path: string, version: number, newestVersion: number): void {
  if (version <= newestVersion) return;
  throw new TrackbridgeError(
    'START_FAILED',
    `${basename(path)} was written by a newer version (schema ${version}, this one knows ${newestVersion}); ` +
      'run that version, or set outbox.path to another file',
  );
}

/** OUTBOX_CORRUPT with what is wrong and the ways out, naming the file but not where it lies. */
export function damaged(path: string, what: string, cause?: unknown): TrackbridgeError {
  const name = basename(path);
  return new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} ${what}; restore a backup, recover it with "sqlite3 ${name} .recover", or move ${name} and ${name}-wal ` +
      'away together to start empty',
    cause === undefined ? {} : { cause },
  );
}

export function inUse(path: string, cause: unknown): TrackbridgeError {
  return new TrackbridgeError(
    'START_FAILED',
    `${basename(path)} is in use by another process; stop that one, or set outbox.path to another file`,
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

/** The one size that does not fit into two bytes, 65536, is written as 1. */
function pageSize(header: Buffer): number {
  const written = header.readUInt16BE(PAGE_SIZE_AT);
  return written === 1 ? 65_536 : written;
}

/** Over a read-only connection, since closing one that may write would copy the -wal into a file that is damaged. */
function quickCheck(path: string): void {
  const [log, shared] = [`${path}-wal`, `${path}-shm`];
  const [hadLog, hadShared] = [existsSync(log), existsSync(shared)];
  let sound = false;
  let database: DatabaseSyncInstance | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
    const verdict = ask(database, 'SELECT quick_check FROM pragma_quick_check LIMIT 1');
    if (verdict !== 'ok') throw damaged(path, 'is damaged', new Error(String(verdict)));
    sound = true;
  } catch (error) {
    if (error instanceof TrackbridgeError) throw error;
    if (isBusy(error)) throw inUse(path, error);
    throw damaged(path, `cannot be read (${messageOf(error)})`, error);
  } finally {
    database?.close();
    // The read-only connection leaves these behind. Of a sound store the -wal stays: another process may just be opening
    // it, and taking its -wal away would lose what that one writes.
    if (!hadShared) rmSync(shared, { force: true });
    if (!hadLog && !sound && statSync(log, { throwIfNoEntry: false })?.size === 0) rmSync(log);
  }
}
