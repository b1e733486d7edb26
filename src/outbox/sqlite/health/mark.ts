import { closeSync, constants, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { messageOf } from '../../../core/errors.js';

/**
 * The progress of the store at its last acknowledgment. It is kept in a small file next to the store, because SQLite
 * cannot tell: if a part of the -wal is missing, its content looks as if it had never been written.
 */
export interface Mark {
  /** The id of the store that the mark belongs to. */
  readonly store: string;
  /** The newest position assigned. */
  readonly tail: number;
  /** The number of entries ever quarantined. */
  readonly quarantined: number;
  /** The durability of the last of them. */
  readonly durability: 'full' | 'normal';
  /** Whether the store was closed in order, with its -wal copied into the file. */
  readonly closed: boolean;
}

/** Returns the path of the mark of the store at `path`. */
export function markPath(path: string): string {
  return `${path}-mark`;
}

/** Returns `none` if there is no mark, `unreadable` if it is torn or not a mark. Throws if the disk fails. */
export function readMark(path: string): Mark | 'none' | 'unreadable' {
  const text = readHead(markPath(path));
  if (text === undefined) return 'none';
  const [, fields = '', store = '', tail, quarantined, durability, state, sum] =
    RECORD.exec(text) ?? [];
  if (sum !== checksum(fields)) return 'unreadable';
  return {
    store,
    tail: Number(tail),
    quarantined: Number(quarantined),
    durability: durability === 'full' ? 'full' : 'normal',
    closed: state === 'closed',
  };
}

/**
 * Reads enough bytes for a mark, whatever the file is; empty if it cannot be read, undefined if it does not exist.
 * Throws EIO: the disk may answer next time, and the mark must not be overwritten until then.
 */
function readHead(file: string): string | undefined {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const head = Buffer.alloc(256);
      return head.toString('latin1', 0, readSync(descriptor, head, 0, head.length, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EIO') throw error;
    return code === 'ENOENT' ? undefined : '';
  }
}

// One line of text, readable by people. Its length is fixed, so that each write overwrites the last one completely.
const RECORD =
  /^(trackbridge-mark 1 store=([0-9a-f]*) tail=(\d{16}) quarantined=(\d{16}) (full|normal) +(open|closed) +)([0-9a-f]{8})\n/;

function recordOf({ store, tail, quarantined, durability, closed }: Mark): string {
  const fields =
    `trackbridge-mark 1 store=${store} tail=${digits(tail)} quarantined=${digits(quarantined)} ` +
    `${durability.padEnd(6)} ${(closed ? 'closed' : 'open').padEnd(6)} `;
  return `${fields}${checksum(fields)}\n`;
}

function digits(value: number): string {
  return String(value).padStart(16, '0');
}

function checksum(fields: string): string {
  return crc32(fields).toString(16).padStart(8, '0');
}

type Position = Pick<Mark, 'tail' | 'quarantined'>;

/**
 * Writes the mark: one write of one line after each commit that accepted something, before the acknowledgment. It is
 * not flushed. After a kill it is in the system's cache. After a power failure it may be older than the store, which is
 * harmless, but never newer than what a commit of durability `full` has flushed before it.
 *
 * A mark that cannot be written changes no answer, since the events are durable. It causes one warning.
 */
export class MarkWriter {
  readonly #path: string;
  readonly #of: Pick<Mark, 'store' | 'durability'>;
  readonly #warn: (message: string) => void;
  #descriptor: number | undefined;
  #written: Position | undefined;
  #failed = false;

  /** Writes nothing yet: a first start that fails must not leave an empty mark. */
  constructor(
    path: string,
    of: Pick<Mark, 'store' | 'durability'>,
    warn: (message: string) => void,
  ) {
    this.#path = path;
    this.#of = of;
    this.#warn = warn;
  }

  /** Records the store's progress. Writes nothing if it is recorded already. */
  note({ tail, quarantined }: Position): void {
    if (this.#written?.tail === tail && this.#written.quarantined === quarantined) return;
    this.#write({ tail, quarantined }, false);
  }

  /** Records that the store is closed in order, and closes the file. */
  close(position: Position): void {
    this.#write(position, true);
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write({ tail, quarantined }: Position, closed: boolean): void {
    this.#attempt(() => {
      // The mode, for the owner only, applies only to a new file.
      this.#descriptor ??= openSync(
        markPath(this.#path),
        constants.O_RDWR | constants.O_CREAT,
        0o600,
      );
      const descriptor = this.#descriptor;
      const record = recordOf({ ...this.#of, tail, quarantined, closed });
      writeSync(descriptor, record, 0, 'latin1');
      // Removes the rest of any other content that the file had.
      if (this.#written === undefined) ftruncateSync(descriptor, record.length);
      this.#written = { tail, quarantined };
      this.#failed = false;
    });
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (this.#failed) return;
      this.#failed = true;
      const { code = messageOf(error) } = error as NodeJS.ErrnoException;
      this.#warn(
        `${basename(markPath(this.#path))} cannot be written (${code}): events are safe, but if another program ` +
          "deletes them, that goes unnoticed; check its disk and the directory's permissions",
      );
    }
  }
}
