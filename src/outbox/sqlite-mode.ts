import { chmodSync, statSync } from 'node:fs';

/**
 * Takes the rights of other users off a store that is there already, such as one copied back from a backup: it holds
 * whole payloads. SQLite gives its -wal and -shm files the mode of the database file. Where the rights cannot be changed,
 * as on a volume whose files all belong to somebody else, they stay.
 */
export function closeToOthers(file: string): void {
  if (process.platform === 'win32') return;
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & 0o077) === 0) continue;
    try {
      chmodSync(path, mode & 0o700);
    } catch {
      // Whoever set them has a reason, and events are worth more than that.
    }
  }
}
