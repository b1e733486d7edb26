import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkWritable, fileError, makeDirectory, syncDirectory } from './file-place.js';
import { rotateFiles } from './file-rotate.js';
import { repairTail } from './file-tail.js';

export interface Rotation {
  /** Bytes beyond which a new file is begun. */
  readonly size: number;
  /** How many full files are kept: `path.1` is the newest. */
  readonly keep: number;
}

export interface LineFileOptions {
  readonly rotate?: Rotation;
  /** Told in a few words what was done about a torn last line. */
  readonly repaired: (what: string) => void;
  /** Opens the file; for tests of a failing disk. */
  readonly openFile?: typeof open;
}

interface Opened {
  readonly handle: FileHandle;
  readonly inode: number;
  readonly device: number;
}

/**
 * A file that is only appended to, in whole lines and durably. One writer at a time: neither two calls of `append` at
 * once nor a second process. All errors are retryable SinkErrors, and the next call starts afresh.
 */
export class LineFile {
  readonly #path: string;
  readonly #options: LineFileOptions;
  #opened: Opened | undefined;

  constructor(path: string, options: LineFileOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Creates the directory (0700) and the file (0600) where they are missing, and mends a torn last line. */
  async open(): Promise<void> {
    if (this.#opened) return;
    try {
      this.#opened = await this.#open();
    } catch (cause) {
      throw fileError(this.#path, 'opened', cause);
    }
  }

  /**
   * Appends lines, each with its line feed, and resolves once they are on disk; on any failure the file is cut back to
   * where it ended before.
   */
  async append(lines: Buffer): Promise<void> {
    const handle = await this.#ready(lines.length);
    let before: number | undefined;
    try {
      before = (await handle.stat()).size;
      await writeAll(handle, lines);
      await handle.datasync();
      // Deleted between the look at the path and the write: the lines are on no disk anybody can read.
      if ((await handle.stat()).nlink === 0) throw new Error('it was deleted meanwhile');
    } catch (cause) {
      if (before !== undefined) await handle.truncate(before).catch(() => {});
      // After a failed fdatasync Linux takes the pages for clean, and a second one on this descriptor would succeed
      // without writing them. So the file is opened again, which also mends what could not be cut back.
      await this.close();
      throw fileError(this.#path, 'written', cause);
    }
  }

  /** Says what keeps lines from being appended. Changes nothing: the file may be in use by a running receiver. */
  async check(): Promise<void> {
    await checkWritable(this.#path);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.handle.close().catch(() => {});
  }

  /** The open file, after noticing that others moved or deleted it, and after rotating it where it would grow too large. */
  async #ready(length: number): Promise<FileHandle> {
    const there = await stat(this.#path).catch(() => undefined);
    const ours = this.#opened;
    if (ours && (there?.ino !== ours.inode || there.dev !== ours.device)) await this.close();

    const { rotate } = this.#options;
    if (rotate && there?.isFile() && there.size > 0 && there.size + length > rotate.size) {
      await this.close();
      try {
        await rotateFiles(this.#path, rotate.keep);
      } catch (cause) {
        throw fileError(this.#path, 'rotated', cause);
      }
    }
    if (!this.#opened) await this.open();
    if (!this.#opened) throw fileError(this.#path, 'opened', new Error('it was closed meanwhile'));
    return this.#opened.handle;
  }

  async #open(): Promise<Opened> {
    const directory = dirname(this.#path);
    await makeDirectory(directory);
    const handle = await (this.#options.openFile ?? open)(this.#path, 'a+', 0o600);
    try {
      const { ino, dev, size, isFile } = await identity(handle);
      if (!isFile) throw new Error('it is not a regular file');
      const repair = await repairTail(handle);
      if (repair !== 'whole') this.#options.repaired(repair);
      // A new file's name is durable only with its directory.
      if (size === 0) await syncDirectory(directory);
      return { handle, inode: ino, device: dev };
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
  }
}

async function identity(handle: FileHandle) {
  const stats = await handle.stat();
  return { ino: stats.ino, dev: stats.dev, size: stats.size, isFile: stats.isFile() };
}

/** A full disk first shows as a short write; the rest's write then says why. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written);
    if (bytesWritten === 0) throw new Error('nothing was written');
    written += bytesWritten;
  }
}
