import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { messageOf, TrackbridgeError } from '../errors.js';
import { ask, hasColumn } from './sqlite-ask.js';
import { countMissing } from './sqlite-content.js';
import { isBusy } from './sqlite-failure.js';
import { type Progress, refuseGap, refuseLoss } from './sqlite-loss.js';
import { type Mark, readMark } from './sqlite-mark.js';
import { APPLICATION_ID } from './sqlite-schema.js';
import { countGarbled } from './sqlite-sum.js';

// Offsets and meanings: https://www.sqlite.org/fileformat.html#the_database_header
const HEADER_LENGTH = 100;
const MAGIC = 'SQLite format 3\0';
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

/** Above this a look at every entry would hold the start up for seconds. */
const READ_ALL_UP_TO = 256 * 1024 * 1024;

/**
 * Looks at an existing store without changing a byte of it. Returns what the operator should know though it is sound.
 *
 * All of a store is read up to 256 MB, and of any size where something about its files is unusual. Of a larger one that is
 * not, what SQLite needs to open it, and its mark.
 *
 * Throws OUTBOX_CORRUPT where it is damaged, START_FAILED where it is another program's, a newer version's, or in use.
 */
export function inspectStoreFile(
  path: string,
  newestVersion: number,
  readAllUpTo = READ_ALL_UP_TO,
): string[] {
  // Before the store is read: another process may be writing both, and then the mark must not be the newer one.
  const mark = readMark(path);
  inspectHead(path, newestVersion);
  const thorough = statSync(path).size < readAllUpTo || isUnusual(path, mark);
  return readOnly(path, (database) => {
    const progress = readProgress(database);
    // First: two stores in one look damaged, too.
    refuseForeignLog(path, progress);
    if (thorough) refuseUnsound(path, database, 'quick_check');
    const warnings = refuseLoss(path, mark, progress);
    if (thorough) refuseGap(path, mark, countMissing(database));
    return warnings;
  });
}

/** Whether the files look as they rarely do after a mere kill: a reason to read all of the store. */
function isUnusual(path: string, mark: Mark | 'none' | 'unreadable'): boolean {
  const header = readHeader(path);
  // Cut off, or killed within a checkpoint that made the file longer.
  if (statSync(path).size < sizeByHead(header)) return true;
  // A process that was killed leaves a -wal.
  return typeof mark === 'object' && !mark.closed && walSize(path) === 0;
}

/** Throws OUTBOX_CORRUPT where SQLite's check finds the structure damaged, or an entry is garbled. */
export function refuseUnsound(
  path: string,
  database: DatabaseSyncInstance,
  check: 'quick_check' | 'integrity_check',
): void {
  const findings = `SELECT ${check} AS finding FROM pragma_${check} LIMIT 3`;
  const found = ask(database, `SELECT group_concat(finding, '; ') FROM (${findings})`);
  if (found !== 'ok') throw damaged(path, 'is damaged', new Error(String(found)));
  const garbled = countGarbled(database);
  if (garbled === 0) return;
  const what =
    garbled === 1 ? '1 entry is not as it was' : `${garbled} entries are not as they were`;
  throw damaged(path, `is damaged: ${what} written`);
}

/** What can be told without SQLite: is it a store, is it whole, does this version know it. Throws as the above does. */
export function inspectHead(path: string, newestVersion: number): void {
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
  // With a -wal the file may rightly be shorter: its last pages may not have been copied over yet.
  if (walSize(path) === 0 && size < sizeByHead(header)) {
    throw damaged(path, 'is cut off');
  }
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
    `${name} ${what}; restore a backup, recover it with "sqlite3 ${name} .recover", or move ${name} and ${name}-* away ` +
      'together to start empty',
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

/** How long the file should be. The one page size that does not fit into two bytes, 65536, is written as 1. */
function sizeByHead(header: Buffer): number {
  const written = header.readUInt16BE(PAGE_SIZE_AT);
  return (written === 1 ? 65_536 : written) * header.readUInt32BE(PAGE_COUNT_AT);
}

function walSize(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Lets `work` read the store; a trace of that is not left. Over a read-only connection, since closing one that may write
 * would copy the -wal into a file that is damaged. What SQLite throws becomes OUTBOX_CORRUPT, or START_FAILED where the
 * store is in use.
 */
export function readOnly<T>(path: string, work: (database: DatabaseSyncInstance) => T): T {
  const [log, shared] = [`${path}-wal`, `${path}-shm`];
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
    // The read-only connection leaves these behind. Of a sound store the -wal stays: another process may just be opening
    // it, and taking its -wal away would lose what that one writes.
    if (!hadShared) rmSync(shared, { force: true });
    if (!hadLog && !sound && statSync(log, { throwIfNoEntry: false })?.size === 0) rmSync(log);
  }
}

/** What kept a store whose head is as it should be from being read, as an error of ours. */
export function explainReading(path: string, error: unknown): TrackbridgeError {
  if (error instanceof TrackbridgeError) return error;
  if (isBusy(error)) return inUse(path, error);
  return damaged(path, `cannot be read (${messageOf(error)})`, error);
}

/**
 * Lets `work` read the database file alone, without its -wal, and as one that never changes: that makes no file at all.
 * Throws what SQLite throws.
 */
export function readFileAlone<T>(path: string, work: (database: DatabaseSyncInstance) => T): T {
  const database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** SQLite takes any -wal for its own. Throws OUTBOX_CORRUPT where it is of another store than the file. */
export function refuseForeignLog(path: string, { store }: Progress): void {
  if (store === '' || walSize(path) === 0) return;
  let own: string;
  try {
    own = readFileAlone(path, readProgress).store;
  } catch {
    // Within a checkpoint the file alone may be unreadable.
    return;
  }
  if (own === '' || own === store) return;
  const name = basename(path);
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name}-wal is of another store than ${name}; put its own back, or move ${name}-wal away`,
  );
}

/** How far the store has come, by itself. */
export function readProgress(database: DatabaseSyncInstance): Progress {
  const store = hasColumn(database, 'ledger', 'store') ? 'store' : "''";
  const row = ask(database, `SELECT json_array(${store}, tail, quarantined) FROM ledger`);
  const [id, tail, quarantined] = JSON.parse(String(row)) as [string, number, number];
  return { store: id, tail, quarantined };
}
