import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { APPLICATION_ID, type Migration } from './sqlite-schema.js';

/**
 * Creates an empty store. It is made whole under another name and only then gets its own, so that whatever stands at
 * `path` was complete once: a file that is empty or half written is a damaged store, never a new one.
 */
export function createStoreFile(path: string, migrations: readonly Migration[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.new-${randomBytes(6).toString('hex')}`;
  try {
    // SQLite gives its -wal file the mode of the database file, so this one line closes both to other users. A umask
    // would be the process's, and worker threads cannot set it.
    closeSync(openSync(draft, 'wx', 0o600));
    const database = new DatabaseSync(draft);
    try {
      // Events of the usual size leave less of a page of 8 kB unused than of one of 4 kB, and need half the system calls.
      database.exec(
        'PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL',
      );
      database.exec(
        `BEGIN; PRAGMA application_id = ${APPLICATION_ID}; ${migrations.join('\n')}` +
          `PRAGMA user_version = ${migrations.length}; COMMIT`,
      );
    } finally {
      database.close();
    }
    syncPath(draft);
    giveName(draft, path);
    syncPath(dirname(path));
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${draft}${suffix}`, { force: true });
  }
}

/** A link fails where `path` exists by now, a rename would replace the store that another process has just made. */
function giveName(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    // Some file systems have no hard links.
    renameSync(draft, path);
  }
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
