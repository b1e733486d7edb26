import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { TrackbridgeError } from '../errors.js';
import { ask } from './sqlite-ask.js';
import { createStoreFile } from './sqlite-create.js';
import { isBusy, isCorrupt } from './sqlite-failure.js';
import { damaged, inspectStoreFile, inUse, refuseNewer } from './sqlite-inspect.js';
import { refuseMissing } from './sqlite-loss.js';
import { readMark } from './sqlite-mark.js';
import { closeToOthers } from './sqlite-mode.js';
import { MIGRATIONS, type Migration } from './sqlite-schema.js';

/** How long to wait for a process that is just ending, milliseconds. */
const LOCK_PATIENCE = 1_000;

/**
 * Opens the store at `path` for this process alone, creating or migrating it where need be.
 *
 * `warn` is told what the operator should know though it opens. Throws OUTBOX_CORRUPT or START_FAILED with what to do
 * about it; never starts an empty store where one was.
 */
export function openDatabase(
  path: string,
  durability: 'full' | 'normal',
  migrations: readonly Migration[] = MIGRATIONS,
  warn: (message: string) => void = () => undefined,
): DatabaseSyncInstance {
  // Absolute: SQLite would take a path that starts with "file:" for a URI.
  const file = resolve(path);
  try {
    if (existsSync(file)) {
      closeToOthers(file);
      for (const warning of inspectStoreFile(file, migrations.length)) warn(warning);
    } else {
      refuseOrphan(file);
      refuseMissing(file, readMark(file));
      createStoreFile(file, migrations);
    }
    return connect(file, durability, migrations);
  } catch (error) {
    throw explainOpening(file, error);
  }
}

/**
 * What was committed but not copied over yet is in the -wal: without its database it is lost, so somebody must look.
 * Throws OUTBOX_CORRUPT where there is a -wal alone.
 */
export function refuseOrphan(file: string): void {
  if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const name = basename(file);
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} is gone but ${name}-wal is there; put ${name} back, or move ${name}-* away to start empty`,
  );
}

function connect(
  file: string,
  durability: 'full' | 'normal',
  migrations: readonly Migration[],
): DatabaseSyncInstance {
  const database = new DatabaseSync(file, { timeout: LOCK_PATIENCE });
  try {
    // Exclusive before the first access: then no other process gets in, and no shared-memory file is needed.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
    // Set after the journal mode: this build's default for WAL is NORMAL, under which a power cut loses commits.
    database.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    // macOS: its fsync does not reach the disk, these do.
    if (durability === 'full')
      database.exec('PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1');
    database.exec(
      // 4 MB: larger checkpoints make the tail (p99 29 ms at 16 MB, 13 at 4).
      'PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 67108864;' +
        // 8 MB: at a million known messageIds 16 or 32 are no faster, but stay in the process's memory.
        'PRAGMA cache_size = -8000; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF',
    );
    migrate(database, file, migrations);
    // After a failed fsync the system may hold pages of the -wal for clean that never reached the disk. Whatever is
    // written behind them would be lost with them, so their content goes into the database file before anything else.
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(
  database: DatabaseSyncInstance,
  file: string,
  migrations: readonly Migration[],
): void {
  const version = Number(ask(database, 'SELECT user_version FROM pragma_user_version'));
  refuseNewer(file, version, migrations.length);
  if (version === migrations.length) return;
  // One transaction: a migration that fails leaves the store as the older version knows it.
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(migrations.slice(version).join('\n'));
    database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** What kept the store from being opened, as an error of ours with what to do about it. */
export function explainOpening(file: string, error: unknown): TrackbridgeError {
  if (error instanceof TrackbridgeError) return error;
  if (isBusy(error)) return inUse(file, error);
  if (isCorrupt(error)) return damaged(file, 'is damaged', error);
  const { code } = error as NodeJS.ErrnoException;
  return new TrackbridgeError(
    'START_FAILED',
    `${basename(file)} cannot be opened (${code ?? 'unknown'}); look at outbox.path, its directory's rights and its disk`,
    { cause: error },
  );
}
