import {
  closeSync,
  fstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename } from 'node:path';
import { TrackbridgeError } from '../../../core/errors.js';

/** What another program did to the files of an open store. */
export type Displacement =
  /** The database is no longer at its path. `replaced`: another file is there. */
  | { readonly file: 'database'; readonly fate: 'deleted' | 'moved'; readonly replaced: boolean }
  /** The database is in place, its -wal is not. */
  | { readonly file: 'wal'; readonly replaced: boolean };

/**
 * What was written can no longer be found by its path. The descriptors still reach it, so the connection must stay open
 * until everything is saved.
 */
export class DisplacedError extends TrackbridgeError {
  constructor(message: string) {
    super('OUTBOX_UNAVAILABLE', message, { retryAfter: 5_000 });
  }
}

/** One of the two files as it was after the last transaction. */
interface Known {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
}

/**
 * Watches the files of one open store. SQLite continues to write into a file that was deleted or renamed, and reports
 * success: the events would be lost with the process. So two calls of stat(2), 2 µs each, precede and follow each
 * transaction.
 */
export class StorePresence {
  /**
   * The path of the database when it was opened, without symbolic links: SQLite keeps the -wal next to the real file.
   */
  readonly realPath: string;
  readonly #path: string;
  readonly #walPath: string;
  readonly #descriptor: number;
  #database: Known;
  #wal: Known;

  /**
   * Call this when SQLite has both files open. Throws DisplacedError if one is missing already.
   *
   * The descriptor gives the number of links, and a rescue reads from it. It must not be closed before SQLite's
   * connection: closing any descriptor of a file drops all POSIX locks that the process holds on it.
   */
  constructor(path: string) {
    this.#path = path;
    this.realPath = realpathSync(path);
    this.#walPath = `${this.realPath}-wal`;
    this.#descriptor = openSync(path, 'r');
    const [database, wal] = [this.#stat(path), this.#stat(this.#walPath)];
    if (database === undefined || wal === undefined) {
      throw new DisplacedError(describe(path, { file: 'wal', replaced: false }));
    }
    this.#database = knownOf(database);
    this.#wal = knownOf(wal);
  }

  /** A read descriptor of the database, wherever the file is now. */
  get descriptor(): number {
    return this.#descriptor;
  }

  /**
   * Checks before a transaction that both files are as the last one left them. Throws DisplacedError, or an Error if a
   * file was truncated: then the connection itself cannot be trusted.
   */
  before(): void {
    const { database, wal } = this.#statBoth();
    this.#rejectTruncated(this.#path, database, this.#database);
    this.#rejectTruncated(this.#walPath, wal, this.#wal);
  }

  /** Checks after a transaction that its writes are in these files. Throws DisplacedError if not. */
  after(): void {
    const { database, wal } = this.#statBoth();
    this.#database = knownOf(database);
    this.#wal = knownOf(wal);
  }

  /** Returns what happened to the files; undefined if they are in place. */
  find(): Displacement | undefined {
    const database = this.#stat(this.#path);
    if (!isSame(database, this.#database)) {
      return { file: 'database', fate: this.#fate(), replaced: database !== undefined };
    }
    const wal = this.#stat(this.#walPath);
    return isSame(wal, this.#wal) ? undefined : { file: 'wal', replaced: wal !== undefined };
  }

  /** Returns the current path of the database, as far as the system knows it. */
  whereabouts(): string | undefined {
    if (process.platform !== 'linux') return undefined;
    try {
      return readlinkSync(`/proc/self/fd/${this.#descriptor}`);
    } catch {
      return undefined;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #statBoth(): { readonly database: Stats; readonly wal: Stats } {
    const [database, wal] = [this.#stat(this.#path), this.#stat(this.#walPath)];
    if (isSame(database, this.#database) && isSame(wal, this.#wal)) return { database, wal };
    // Both may be back in place by now: the program that moved them may just be moving them back.
    const found = this.find() ?? { file: 'wal', replaced: false };
    throw new DisplacedError(describe(this.#path, found));
  }

  #fate(): 'deleted' | 'moved' {
    if (fstatSync(this.#descriptor).nlink === 0) return 'deleted';
    // NFS renames an open file that is deleted, and deletes it when it is closed.
    return /\/\.nfs[0-9a-f]{16,}$/.test(this.whereabouts() ?? '') ? 'deleted' : 'moved';
  }

  #rejectTruncated(path: string, stats: Stats, known: Known): void {
    if (stats.size >= known.size) return;
    throw new Error(
      `another program truncated ${basename(path)} from ${known.size} to ${stats.size} bytes`,
    );
  }

  /** Undefined also if the path cannot be examined: whether the file still exists is unknown then. */
  #stat(path: string): Stats | undefined {
    try {
      return statSync(path, { throwIfNoEntry: false });
    } catch {
      return undefined;
    }
  }
}

/** Describes what happened in one sentence without a period. */
export function describe(path: string, displacement: Displacement): string {
  const name = basename(path);
  const when = 'while the receiver was running';
  if (displacement.file === 'wal') {
    const what = displacement.replaced ? 'replaced' : 'deleted or moved';
    return `another program ${what} ${name}-wal ${when}`;
  }
  const { fate, replaced } = displacement;
  if (replaced) return `another program ${fate} ${name} ${when} and put another file in its place`;
  if (fate === 'deleted') return `another program deleted ${name} ${when}`;
  return `another program moved ${name} ${when}, or its directory cannot be read`;
}

function knownOf({ dev, ino, size }: Stats): Known {
  return { device: dev, inode: ino, size };
}

function isSame(stats: Stats | undefined, known: Known): stats is Stats {
  return stats !== undefined && stats.ino === known.inode && stats.dev === known.device;
}
