import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { TrackbridgeError } from '../../../core/errors.js';
import { irregularKind } from '../../../core/writable.js';
import { markPath } from '../health/mark.js';

/** Returns where SQLite keeps the -wal of a database: next to the file itself, not next to a symbolic link to it. */
export function walPath(file: string): string {
  return `${realPath(file)}-wal`;
}

/** Returns where SQLite keeps its shared memory, next to the -wal. */
export function shmPath(file: string): string {
  return `${realPath(file)}-shm`;
}

function realPath(file: string): string {
  return existsSync(file) ? realpathSync(file) : resolve(file);
}

/**
 * Rejects paths that cannot be a store before anything opens them: a pipe would hang, and a device loses or garbles
 * what is written to it. Throws START_FAILED.
 */
export function refuseIrregular(file: string): void {
  for (const path of [file, walPath(file), shmPath(file)]) {
    const what = misfit(path);
    if (what !== undefined) throw refusal(path, what, path === file);
  }
  // The receiver can run without a mark, and warns. Only opening a pipe would never return.
  const mark = markPath(file);
  if (statSync(mark, { throwIfNoEntry: false })?.isFIFO())
    throw refusal(mark, 'a named pipe', false);
}

function refusal(path: string, what: string, isStore: boolean): TrackbridgeError {
  const name = basename(path);
  const next = isStore ? 'set outbox.path to a file' : `move ${name} away`;
  return new TrackbridgeError('START_FAILED', `${name} is ${what}; ${next}`);
}

function misfit(path: string): string | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined) return irregularKind(stats);
    // Below a file, Node 22 and later say of `stat` that nothing is there; of `lstat`, all of them throw.
    const link = lstatSync(path, { throwIfNoEntry: false });
    return link === undefined ? undefined : 'a symbolic link to a missing file';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return 'below a file, not a directory';
    throw error;
  }
}
