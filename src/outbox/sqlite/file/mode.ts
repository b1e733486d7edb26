import { chmodSync, statSync } from 'node:fs';
import { shmPath, walPath } from './place.js';

/**
 * Removes other users' permissions from an existing store, such as one restored from a backup: it holds whole payloads.
 * SQLite gives its -wal and -shm files the mode of the database file. If the permissions cannot be changed, as on a
 * volume whose files all belong to another user, they stay.
 */
export function closeToOthers(file: string): void {
  if (process.platform === 'win32') return;
  for (const path of [file, walPath(file), shmPath(file)]) {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & 0o077) === 0) continue;
    try {
      chmodSync(path, mode & 0o700);
    } catch {
      // The owner set them for a reason, and events are worth more than permissions.
    }
  }
}
