import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';

/** Returns a name next to `path` for an incomplete file. */
export function draftPath(path: string): string {
  return `${path}.new-${randomBytes(6).toString('hex')}`;
}

/**
 * Gives a finished draft the name `path`, or returns false if that name exists by now. A link fails then, while a
 * rename would replace the store that another process has just created.
 */
export function giveName(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' || existsSync(path)) return false;
    // Some file systems have no hard links.
    renameSync(draft, path);
    return true;
  }
  rmSync(draft, { force: true });
  return true;
}

/** Makes a file, or the names in a directory, durable. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
