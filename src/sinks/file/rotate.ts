import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './place.js';

/**
 * Moves `path` to `path.1`, the former `path.1` to `path.2` and so on, and overwrites `path.<keep>`. The oldest is
 * moved first: a crash in between then leaves a gap in the numbers but never removes a line that should be kept.
 */
export async function rotateFiles(path: string, keep: number): Promise<void> {
  for (let number = keep - 1; number >= 1; number--) {
    await rename(`${path}.${number}`, `${path}.${number + 1}`).catch(ignoreMissing);
  }
  await rename(path, `${path}.1`);
  await syncDirectory(dirname(path));
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
