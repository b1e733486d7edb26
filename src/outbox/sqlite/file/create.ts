import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { ask } from './ask.js';
import { draftPath, giveName, syncPath } from './draft.js';
import { APPLICATION_ID, type Migration } from './schema.js';

/**
 * Creates an empty store. It is built under a temporary name and renamed when complete, so that every file at `path`
 * was complete once: an empty or half-written file is a damaged store, never a new one.
 */
export function createStoreFile(path: string, migrations: readonly Migration[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = draftPath(path);
  try {
    // SQLite gives its -wal file the mode of the database file, so this line hides both from other users. A umask
    // belongs to the process, and worker threads cannot set it.
    closeSync(openSync(draft, 'wx', 0o600));
    writeDraft(draft, migrations);
    syncPath(draft);
    giveName(draft, path);
    syncPath(dirname(path));
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) {
      rmSync(`${draft}${suffix}`, { force: true });
    }
  }
}

/**
 * Writes the schema directly into the file, without a -wal. SQLite copies a -wal into the file when it closes the
 * database, and reports no error if a full disk lets it copy only a part.
 */
function writeDraft(draft: string, migrations: readonly Migration[]): void {
  const database = new DatabaseSync(draft);
  try {
    // Typical events leave less of an 8 kB page unused than of a 4 kB page, and need half the system calls.
    database.exec(
      'PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;' +
        `BEGIN; PRAGMA application_id = ${APPLICATION_ID}; ${migrations.join('\n')}` +
        `PRAGMA user_version = ${migrations.length}; COMMIT`,
    );
    const pages = Number(ask(database, 'SELECT page_count * 8192 FROM pragma_page_count'));
    if (statSync(draft).size !== pages) throw new Error('The new store is incomplete');
  } finally {
    database.close();
  }
}
