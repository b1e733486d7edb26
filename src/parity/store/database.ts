import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { TrackbridgeError } from '../../core/errors.js';
import { SCHEMA } from './schema.js';

/** Another layout of the tables gets another number; an older store is then replaced, since it is only a comparison. */
const VERSION = 1;

/** Megabytes of the database that are kept in memory. */
const CACHE = 16;

/**
 * Opens the store of a comparison for this process alone, and creates it if necessary. '' is a store in memory. A commit
 * survives a killed process, but not a power failure: the comparison notices one (`Gaps`). Throws START_FAILED.
 */
export function openDatabase(path: string): DatabaseSyncInstance {
  const file = path === '' ? ':memory:' : resolve(path);
  try {
    if (path !== '') {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      // Events are private. SQLite gives its -wal file the mode of the database file.
      closeSync(openSync(file, 'a', 0o600));
    }
    const database = new DatabaseSync(file, { timeout: 1_000 });
    try {
      database.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;' +
          'PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864;' +
          `PRAGMA cache_size = -${CACHE * 1024}; PRAGMA temp_store = MEMORY`,
      );
      database.exec(SCHEMA);
      database.exec(`PRAGMA user_version = ${VERSION}`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw new TrackbridgeError(
      'START_FAILED',
      'the store of the comparison cannot be opened; check that no other receiver uses it and that its disk works, or move the .parity file away to start empty',
      { cause: error },
    );
  }
}
