import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { draftPath, giveName, syncPath } from '../file/draft.js';
import { reasonOf } from './failure.js';
import { type Displacement, describe, type StorePresence } from './presence.js';

/** The fate of a store whose files another program deleted, moved or replaced. */
export interface Rescue {
  /**
   * `back`: the files are in place again, and the connection can continue. `saved`: everything is on disk under
   * existing names; close the connection and reopen the store. `held`: nothing is lost, but only the open connection or
   * another path leads to it, so the connection must stay open.
   */
  readonly state: 'back' | 'saved' | 'held';
  /** What happened and what to do, in one line without paths; empty for `back`. */
  readonly message: string;
  /** Where the events are now, for the operator's log only. */
  readonly file?: string;
}

/** The number of bytes copied at once. */
const CHUNK = 1024 * 1024;

/**
 * Saves the content of a displaced store. A deleted file is rewritten from its descriptor. A moved file is left alone,
 * because a second copy would be a second store. A foreign file is never overwritten.
 */
export function rescueStore(database: DatabaseSyncInstance, presence: StorePresence): Rescue {
  const { realPath: path } = presence;
  const found = presence.find();
  if (found === undefined) return { state: 'back', message: '' };
  const what = describe(path, found);
  try {
    return found.file === 'wal'
      ? restoreWal(path, database, what)
      : rescueDatabase(path, database, presence, found, what);
  } catch (error) {
    return {
      state: 'held',
      message:
        `${what}; its events cannot be written to its directory (${reasonOf(error)}) and are lost when the receiver ends: ` +
        'free space or grant permission, and the receiver saves them',
    };
  }
}

/** The -wal is only the newest part of the store, so it is merged into the database file. */
function restoreWal(path: string, database: DatabaseSyncInstance, what: string): Rescue {
  foldWal(database);
  // SQLite deletes whatever has this name when it closes the store.
  const aside = setAside(`${path}-wal`);
  const foreign = aside === undefined ? '' : `; the other file is now ${basename(aside)}`;
  return { state: 'saved', message: `${what}; the receiver saved its events${foreign}` };
}

function rescueDatabase(
  path: string,
  database: DatabaseSyncInstance,
  presence: StorePresence,
  { fate, replaced }: Extract<Displacement, { file: 'database' }>,
  what: string,
): Rescue {
  const name = basename(path);
  if (fate === 'moved') {
    const file = presence.whereabouts();
    const first = replaced ? 'move the other file away and ' : '';
    return {
      state: 'held',
      message: `${what}; nothing is lost: ${first}move ${name} and its -wal back, and the receiver resumes`,
      ...(file === undefined ? {} : { file }),
    };
  }
  foldWal(database);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = draftPath(path);
  try {
    copyDescriptor(presence.descriptor, draft);
    const file = place(draft, path);
    if (file === path) {
      return {
        state: 'saved',
        message: `${what}; the receiver restored it with all events`,
        file,
      };
    }
    return {
      state: 'saved',
      message:
        `${what}; all its events are in ${basename(file)}: move the other file and its -wal away and rename ` +
        `${basename(file)} to ${name}, and the receiver resumes`,
      file,
    };
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Copies the whole -wal into the database file through their descriptors. Throws if that fails. */
function foldWal(database: DatabaseSyncInstance): void {
  const { busy } = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  if (busy !== 0) throw new Error('its -wal is in use');
}

/**
 * Gives the finished draft the name of the store or, if another file or a foreign -wal has that name, one next to it.
 */
function place(draft: string, path: string): string {
  const wal = statSync(`${path}-wal`, { throwIfNoEntry: false });
  // Our own -wal is empty by now. SQLite would use any other as the store's.
  if ((wal?.size ?? 0) === 0 && giveName(draft, path)) {
    syncPath(dirname(path));
    return path;
  }
  const beside = freeName(`${path}.rescued`);
  renameSync(draft, beside);
  syncPath(dirname(path));
  return beside;
}

function setAside(file: string): string | undefined {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined;
  const aside = freeName(`${file}.foreign`);
  renameSync(file, aside);
  return aside;
}

function freeName(stem: string): string {
  for (let number = 1; ; number += 1) {
    const name = `${stem}-${number}`;
    if (!existsSync(name)) return name;
  }
}

function copyDescriptor(from: number, path: string): void {
  const to = openSync(path, 'wx', 0o600);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (let at = 0; ; ) {
      const read = readSync(from, chunk, 0, CHUNK, at);
      if (read === 0) break;
      for (let written = 0; written < read; ) {
        written += writeSync(to, chunk, written, read - written, at + written);
      }
      at += read;
    }
    fsyncSync(to);
  } finally {
    closeSync(to);
  }
}
