import { constants } from 'node:fs';
import { access, mkdir, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../errors.js';
import { SinkError } from './sink.js';

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

/** Says in one line why a file cannot be used. Retryable whatever the cause: disks are emptied, permissions set. */
export function fileError(path: string, what: string, cause: unknown): SinkError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = REASONS[code];
  const why = reason ? `${reason} (${code})` : messageOf(cause);
  return new SinkError(`${path} cannot be ${what}: ${why}`, { retryable: true, cause });
}

/** Creates a directory and its parents, for the owner alone, and makes their names durable. */
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
  // Windows opens no directories, and keeps names without being asked.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Throws a SinkError where the file cannot be appended to, or could not be created. Changes nothing. */
export async function checkWritable(path: string): Promise<void> {
  try {
    const there = await stat(path).catch(ifMissing);
    if (there === undefined) return await checkParent(dirname(resolve(path)));
    if (!there.isFile()) {
      throw new Error(there.isDirectory() ? 'it is a directory' : 'it is not a regular file');
    }
    await access(path, constants.R_OK | constants.W_OK);
  } catch (cause) {
    throw fileError(path, 'written', cause);
  }
}

/** The nearest directory that exists must let others be created in it. */
async function checkParent(directory: string): Promise<void> {
  const there = await stat(directory).catch(ifMissing);
  if (there === undefined && directory !== dirname(directory)) {
    return await checkParent(dirname(directory));
  }
  if (!there?.isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
  await access(directory, constants.W_OK | constants.X_OK);
}

function ifMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
