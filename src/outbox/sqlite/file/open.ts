import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { TrackbridgeError } from '../../../core/errors.js';
import { diskTrouble, isBusy, isCorrupt, reasonOf } from '../health/failure.js';
import { damaged, inspectStoreFile, inUse, refuseNewer } from '../health/inspect.js';
import { refuseGone, refuseMissing } from '../health/loss.js';
import { readMark } from '../health/mark.js';
import type { KnownStore } from '../thread/messages.js';
import { ask } from './ask.js';
import { createStoreFile } from './create.js';
import { closeToOthers } from './mode.js';
import { refuseIrregular, walPath } from './place.js';
import { MIGRATIONS, type Migration } from './schema.js';

/** How long to wait for a process that is just ending, in milliseconds. */
const LOCK_PATIENCE = 1_000;

/**
 * Opens the store at `path` for this process alone, and creates or migrates it if necessary.
 *
 * `warn` is called with notices for the operator about a store that opens. Throws OUTBOX_CORRUPT or START_FAILED with
 * what to do about it. Never creates an empty store in place of an old one. With `known` it opens only that store.
 */
export function openDatabase(
  path: string,
  durability: 'full' | 'normal',
  migrations: readonly Migration[] = MIGRATIONS,
  warn: (message: string) => void = () => undefined,
  known?: KnownStore,
): DatabaseSyncInstance {
  // Absolute: SQLite would parse a path that starts with "file:" as a URI.
  const file = resolve(path);
  try {
    refuseIrregular(file);
    if (existsSync(file)) {
      closeToOthers(file);
      for (const warning of inspectStoreFile(file, migrations.length, { known })) warn(warning);
    } else {
      if (known !== undefined) refuseGone(file);
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
 * The -wal holds what was committed but not copied yet. Without its database this is lost, so an operator must look.
 * Throws OUTBOX_CORRUPT if there is only a -wal.
 */
export function refuseOrphan(file: string): void {
  if ((statSync(walPath(file), { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const name = basename(file);
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} is missing but ${name}-wal exists; restore ${name}, or move ${name}-* away to start empty`,
  );
}

function connect(
  file: string,
  durability: 'full' | 'normal',
  migrations: readonly Migration[],
): DatabaseSyncInstance {
  const database = new DatabaseSync(file, { timeout: LOCK_PATIENCE });
  try {
    // Exclusive before the first access: then no other process can open it, and no shared-memory file is needed.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
    // Set after the journal mode: this build's default for WAL is NORMAL, under which a power failure loses commits.
    database.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    // On macOS, fsync does not reach the disk; these do.
    if (durability === 'full')
      database.exec('PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1');
    database.exec(
      // 4 MB: larger checkpoints cause the slowest commits (p99 29 ms at 16 MB, 13 at 4).
      'PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 67108864;' +
        // 8 MB: at a million known messageIds 16 or 32 are no faster, but stay in the process's memory.
        'PRAGMA cache_size = -8000; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF',
    );
    migrate(database, file, migrations);
    // After a failed fsync the system may consider pages of the -wal clean that never reached the disk. Anything
    // written after them would be lost with them, so their content is first copied into the database file.
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

/** Returns an error of ours for a store that could not be opened, with what to do about it. */
export function explainOpening(file: string, error: unknown): TrackbridgeError {
  if (error instanceof TrackbridgeError) return error;
  if (isBusy(error)) return inUse(file, error);
  if (isCorrupt(error)) return damaged(file, 'is damaged', error);
  const name = basename(file);
  return new TrackbridgeError(
    'START_FAILED',
    diskTrouble(name, error) ??
      `${name} cannot be opened (${reasonOf(error)}); look at outbox.path and its directory's rights`,
    { cause: error },
  );
}
