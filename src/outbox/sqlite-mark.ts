import { closeSync, constants, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { messageOf } from '../errors.js';

/**
 * How far the store had come when it last acknowledged something. It stands in a small file beside the store, because
 * SQLite cannot tell: where a part of the -wal is missing, what stood in it looks as if it had never been written.
 */
export interface Mark {
  /** The id of the store it belongs to. */
  readonly store: string;
  /** The newest position that was given out. */
  readonly tail: number;
  /** Entries ever put into quarantine. */
  readonly quarantined: number;
  /** How durable the last of them was. */
  readonly durability: 'full' | 'normal';
  /** Whether the store was closed in order, its -wal copied over. */
  readonly closed: boolean;
}

/** Where the mark of the store at `path` is. */
export function markPath(path: string): string {
  return `${path}-mark`;
}

/** `none` where there is no mark, `unreadable` where it is torn or holds something else. */
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

/** Enough for a mark, whatever else may stand there; empty where it cannot be read, undefined where there is nothing. */
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
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
  }
}

// One line of text, for whoever looks; of one length, so that each overwrites the last and none is ever cut.
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
 * Writes the mark: after each commit that took something, and before that is acknowledged, one write of one line. It is
 * not flushed. A killed process leaves it in the system's cache; after a power cut it may be older than the store, which
 * says nothing, but never newer than what a commit of durability `full` has flushed before it.
 *
 * A mark that cannot be written changes no answer: what it would tell of is durable. It is a warning, once.
 */
export class MarkWriter {
  readonly #path: string;
  readonly #of: Pick<Mark, 'store' | 'durability'>;
  readonly #warn: (message: string) => void;
  #descriptor: number | undefined;
  #written: Position | undefined;
  #failed = false;

  /** Creates the mark, for its owner only, or takes over the one that is there. */
  constructor(
    path: string,
    of: Pick<Mark, 'store' | 'durability'>,
    warn: (message: string) => void,
  ) {
    this.#path = path;
    this.#of = of;
    this.#warn = warn;
    this.#attempt(() => {
      this.#descriptor = openSync(markPath(path), constants.O_RDWR | constants.O_CREAT, 0o600);
    });
  }

  /** Says that the store has come this far; writes nothing where that is known. */
  note({ tail, quarantined }: Position): void {
    if (this.#written?.tail === tail && this.#written.quarantined === quarantined) return;
    this.#write({ tail, quarantined }, false);
  }

  /** Says that the store is closed in order, and lets go of the file. */
  close(position: Position): void {
    this.#write(position, true);
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write({ tail, quarantined }: Position, closed: boolean): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#attempt(() => {
      const record = recordOf({ ...this.#of, tail, quarantined, closed });
      writeSync(descriptor, record, 0, 'latin1');
      // Of something else that stood here, the rest.
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
        `${basename(markPath(this.#path))} cannot be written (${code}): events are kept, but a later loss of them from ` +
          "outside would not be noticed; look at its directory's rights and its disk",
      );
    }
  }
}
