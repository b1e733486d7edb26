import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './file-place.js';

/**
 * Moves `path` to `path.1`, the former `path.1` to `path.2` and so on; what was `path.<keep>` is replaced. Oldest first,
 * so that a crash in between leaves a gap in the numbers and never takes a line away that should be kept.
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
