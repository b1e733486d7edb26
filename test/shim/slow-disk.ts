import { join } from 'node:path';
import { compileShim, shimsWork } from './compile.js';

/** A disk that misbehaves for as long as certain files exist. */
export interface SlowDisk {
  /**
   * The environment for a process that is to have this disk. It concerns files whose path contains `match`; the files
   * that switch it are looked for in `directory`, by default the process's working directory.
   */
  env(match: string, directory?: string): Record<string, string>;
  /** While it exists, fsync and fdatasync do not return. */
  readonly hangFile: string;
  /** While it exists, fsync and fdatasync fail with EIO. */
  readonly failFile: string;
  /** While it exists, writes fail with ENOSPC. */
  readonly fullFile: string;
}

/** Whether the shim can work here. */
export const slowDiskWorks = shimsWork;

/** Builds the shim with the system's C compiler, for as long as this process runs. */
export async function compileSlowDisk(): Promise<SlowDisk> {
  const { library } = await compileShim('slow-disk');
  const [hangFile, failFile, fullFile] = ['disk-hangs', 'disk-fails', 'disk-is-full'] as const;
  return {
    hangFile,
    failFile,
    fullFile,
    env: (match, directory = '.') => ({
      LD_PRELOAD: library,
      SLOW_DISK_MATCH: match,
      SLOW_DISK_HANG: join(directory, hangFile),
      SLOW_DISK_FAIL: join(directory, failFile),
      SLOW_DISK_FULL: join(directory, fullFile),
    }),
  };
}
