import { constants, type Stats } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Names what is at a path instead of a regular file, to complete "it is …"; undefined for a regular file. */
export function irregularKind(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

/** Throws if the file cannot be read and written, or could not be created. Changes nothing. */
export async function mustBeWritable(path: string): Promise<void> {
  const there = await stat(path).catch(ifMissing);
  if (there === undefined) return await mustTakeFiles(dirname(resolve(path)));
  const kind = irregularKind(there);
  if (kind !== undefined) throw new Error(`it is ${kind}`);
  await access(path, constants.R_OK | constants.W_OK);
}

/** Throws if nothing can be created in the nearest existing directory. */
async function mustTakeFiles(directory: string): Promise<void> {
  const there = await stat(directory).catch(ifMissing);
  if (there === undefined && directory !== dirname(directory)) {
    return await mustTakeFiles(dirname(directory));
  }
  if (!there?.isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
  await access(directory, constants.W_OK | constants.X_OK);
}

function ifMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
