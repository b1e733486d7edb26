import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { backup } from '@photostructure/sqlite';
import { TrackbridgeError } from '../../../core/errors.js';
import { draftPath, giveName, syncPath } from '../file/draft.js';
import { openDatabase } from '../file/open.js';
import { walPath } from '../file/place.js';
import { checkStore, type StoreReport } from './check.js';
import { readFileAlone, readProgress } from './inspect.js';
import { MarkWriter, markPath } from './mark.js';

/** Writes the copy of a store into this file. */
export type WriteCopy = (draft: string) => Promise<void>;

/**
 * Writes a backup: under a temporary name, checked, flushed, renamed. A mark beside it says how far it is. An existing
 * file is replaced only with `force`. Throws CONFIG_INVALID if the file exists or cannot be there, and OUTBOX_CORRUPT if
 * the copy is not sound; then nothing is left.
 */
export async function writeBackup(
  path: string,
  force: boolean,
  write: WriteCopy,
): Promise<StoreReport> {
  const file = resolve(path);
  refuseTaken(file, force);
  const draft = draftPath(file);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    await (await open(draft, 'wx', 0o600)).close();
    await write(draft);
    const report = checkStore(draft);
    if (report.state !== 'sound') {
      throw new TrackbridgeError('OUTBOX_CORRUPT', `the copy is not sound: ${report.problems[0]}`);
    }
    const descriptor = await open(draft, 'r+');
    await descriptor.sync();
    await descriptor.close();
    const { quarantined, store, tail } = readFileAlone(draft, readProgress);
    if (force) {
      // The mark of the replaced backup would miss events in this one, or the other way round.
      rmSync(markPath(file), { force: true });
      await rename(draft, file);
    } else if (!giveName(draft, file)) {
      throw taken(file);
    }
    const warnings: string[] = [];
    const mark = new MarkWriter(file, { store, durability: 'full' }, (text) => warnings.push(text));
    mark.close({ tail, quarantined });
    syncPath(dirname(file));
    return { ...report, warnings: [...report.warnings, ...warnings] };
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) {
      rmSync(`${draft}${suffix}`, { force: true });
    }
  }
}

/** Copies the store of a stopped receiver. While it is copied, no receiver can start on it. */
export async function copyStopped(path: string, draft: string): Promise<void> {
  if (!existsSync(path)) {
    throw new TrackbridgeError('CONFIG_INVALID', `there is no outbox at ${path}`);
  }
  const database = openDatabase(path, 'full');
  try {
    await backup(database, draft, { rate: -1 });
  } finally {
    database.close();
  }
}

function refuseTaken(file: string, force: boolean): void {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!force) throw taken(file);
  if (!there.isFile()) {
    throw new TrackbridgeError('CONFIG_INVALID', `${basename(file)} is not a file; name another`);
  }
  if (existsSync(walPath(file))) {
    const problem = `${basename(file)} is a store in use, not a backup; name another file`;
    throw new TrackbridgeError('CONFIG_INVALID', problem);
  }
}

function taken(file: string): TrackbridgeError {
  return new TrackbridgeError(
    'CONFIG_INVALID',
    `${basename(file)} exists already; name another file, or replace it with --force`,
  );
}
