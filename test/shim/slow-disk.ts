import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface SlowDisk {
  /** To be set for the process that is to have this disk. */
  readonly env: Readonly<Record<string, string>>;
  /** Lets fsync and fdatasync hang until it is switched off. */
  hang(on: boolean): Promise<void>;
  /** Lets fsync and fdatasync fail with EIO. */
  fail(on: boolean): Promise<void>;
  /** Lets writes fail with ENOSPC. */
  full(on: boolean): Promise<void>;
}

/** Whether the shim can work here: it is preloaded by the dynamic linker of Linux. */
export const slowDiskWorks = process.platform === 'linux';

/**
 * Builds the shim with the system's C compiler into `place`, an existing directory of the test's own. It concerns files
 * whose path contains `match`.
 */
export async function slowDisk(place: string, match: string): Promise<SlowDisk> {
  const library = join(place, 'slow-disk.so');
  const source = fileURLToPath(new URL('./slow-disk.c', import.meta.url));
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  const file = (mode: string): string => join(place, `slow-disk-${mode}`);
  const toggle = (mode: string) => (on: boolean) =>
    on ? writeFile(file(mode), '') : rm(file(mode), { force: true });
  return {
    env: {
      LD_PRELOAD: library,
      SLOW_DISK_MATCH: match,
      SLOW_DISK_HANG: file('hang'),
      SLOW_DISK_FAIL: file('fail'),
      SLOW_DISK_FULL: file('full'),
    },
    hang: toggle('hang'),
    fail: toggle('fail'),
    full: toggle('full'),
  };
}
