import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SinkOptions } from '../../config/config.js';
import { LineBuffer } from './line-buffer.js';
import { checkWritable, fileError, makeDirectory, syncDirectory } from './place.js';
import { rotateFiles } from './rotate.js';
import { repairTail } from './tail.js';

type Rotation = NonNullable<SinkOptions['file']['rotate']>;

export interface LineFileOptions {
  readonly rotate?: Rotation;
  /** Receives a short description of the repair of a torn last line. */
  readonly repaired: (what: string) => void;
  /** Opens the file; tests replace it to simulate a failing disk. */
  readonly openFile?: typeof open;
}

interface Opened {
  readonly handle: FileHandle;
  readonly inode: number;
  readonly device: number;
}

/**
 * A file that is only appended to, in whole lines and durably. It allows one writer at a time: neither two concurrent
 * calls of `append` nor a second process. All errors are retryable SinkErrors, after which the next call starts afresh.
 */
export class LineFile {
  readonly #path: string;
  readonly #options: LineFileOptions;
  readonly #buffer = new LineBuffer();
  #opened: Opened | undefined;

  constructor(path: string, options: LineFileOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Creates the directory (0700) and the file (0600) if missing, and repairs a torn last line. */
  async open(): Promise<void> {
    if (this.#opened) return;
    try {
      this.#opened = await this.#open();
    } catch (cause) {
      throw fileError(this.#path, 'opened', cause);
    }
  }

  /**
   * Appends texts as lines and resolves once they are on disk. On any failure the file is truncated to its previous
   * end.
   */
  async append(texts: readonly string[]): Promise<void> {
    const lines = this.#buffer.encode(texts);
    const handle = await this.#ready(lines.length);
    let before: number | undefined;
    try {
      before = (await handle.stat()).size;
      await writeAll(handle, lines);
      await handle.datasync();
      // If the file was deleted between the check of the path and the write, nobody can read the lines.
      if ((await handle.stat()).nlink === 0) throw new Error('it was deleted meanwhile');
    } catch (cause) {
      if (before !== undefined) await handle.truncate(before).catch(() => {});
      // After a failed fdatasync, Linux marks the pages as clean, and a second one on this descriptor would succeed
      // without writing them. So the file is reopened, which also repairs what could not be truncated.
      await this.close();
      throw fileError(this.#path, 'written', cause);
    }
  }

  /** Reports what prevents appending. Changes nothing, because a running receiver may be using the file. */
  async check(): Promise<void> {
    await checkWritable(this.#path);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.handle.close().catch(() => {});
  }

  /**
   * Returns the open file, after checking whether it was moved or deleted, and after rotating it if it would grow too
   * large.
   */
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
      // A new file's name is durable only once its directory is synced.
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

/** A full disk first causes a short write; the write of the rest then reports the reason. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written);
    if (bytesWritten === 0) throw new Error('nothing was written');
    written += bytesWritten;
  }
}
