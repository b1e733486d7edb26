import { join } from 'node:path';
import { compileShim, shimsWork } from './compile.js';

/** A disk that misbehaves for as long as certain files exist. */
export interface SlowDisk {
  /**
   * The environment for a process that is to have this disk. It concerns files whose path contains `match`; the files
   * that switch it are looked for in `directory`, by default the process's working directory. With `room`, it is full after
   * so many bytes.
   */
  env(match: string, directory?: string, room?: number): Record<string, string>;
  /** While it exists, fsync and fdatasync do not return. */
  readonly hangFile: string;
  /** While it exists, fsync and fdatasync fail with EIO. */
  readonly failFile: string;
  /** While it exists, reads fail with EIO: those from the offset on that is in it. */
  readonly unreadableFile: string;
  /** While it exists, writes fail with ENOSPC. */
  readonly fullFile: string;
}

/** Whether the shim can work here. */
export const slowDiskWorks = shimsWork;

/** Builds the shim with the system's C compiler, for as long as this process runs. */
export async function compileSlowDisk(): Promise<SlowDisk> {
  const { library } = await compileShim('slow-disk');
  const [hangFile, failFile] = ['disk-hangs', 'disk-fails'] as const;
  const [unreadableFile, fullFile] = ['disk-is-unreadable', 'disk-is-full'] as const;
  return {
    hangFile,
    failFile,
    unreadableFile,
    fullFile,
    env: (match, directory = '.', room) => ({
      LD_PRELOAD: library,
      SLOW_DISK_MATCH: match,
      SLOW_DISK_HANG: join(directory, hangFile),
      SLOW_DISK_FAIL: join(directory, failFile),
      SLOW_DISK_UNREADABLE: join(directory, unreadableFile),
      SLOW_DISK_FULL: join(directory, fullFile),
      ...(room === undefined ? {} : { SLOW_DISK_ROOM: String(room) }),
    }),
  };
}
