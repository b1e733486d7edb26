import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../../core/errors.js';
import { mustBeWritable } from '../../core/writable.js';
import { SinkError } from '../sink.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'the permission is missing',
  EPERM: 'the permission is missing',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EEXIST: 'a part of the path is a file, not a directory',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an input/output error',
};

/** Explains in one line why a file cannot be used. Always retryable: disks are freed and permissions fixed. */
export function fileError(path: string, what: string, cause: unknown): SinkError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = REASONS[code];
  const why = reason ? `${reason} (${code})` : messageOf(cause);
  return new SinkError(`${path} cannot be ${what}: ${why}`, { retryable: true, cause });
}

/** Creates a directory and its parents, accessible only to the owner, and makes their names durable. */
export async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let made = resolve(directory); made !== top; made = dirname(made)) {
    await syncDirectory(dirname(made));
  }
}

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open directories, and makes names durable by itself.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Throws a SinkError if the file cannot be appended to, or could not be created. Changes nothing. */
export async function checkWritable(path: string): Promise<void> {
  try {
    await mustBeWritable(path);
  } catch (cause) {
    throw fileError(path, 'written', cause);
  }
}
