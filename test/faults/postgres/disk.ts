import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CannotRun, type RowContext } from '../row.js';

const run = promisify(execFile);

/** A disk in memory of so many bytes; its directory. Throws CannotRun if this process may not mount. */
export async function mountMemory(
  context: Pick<RowContext, 'after'>,
  bytes: number,
): Promise<string> {
  return await mount(context, ['-t', 'tmpfs', '-o', `size=${bytes},mode=0755`, 'tmpfs']);
}

/** A disk in a file, which has what was flushed and not what was only written, as a disk after a power cut. */
export interface DiskFile {
  readonly directory: string;
  /** Flushes everything. */
  flush(): Promise<unknown>;
  /** The disk as it is at this moment, mounted elsewhere. */
  copy(): Promise<DiskFile>;
}

/** Makes a disk of so many bytes. Throws CannotRun if this process may not mount. */
export async function mountFile(
  context: Pick<RowContext, 'after'>,
  bytes: number,
): Promise<DiskFile> {
  const place = await mkdtemp(join(tmpdir(), 'trackbridge-disk-'));
  context.after(() => rm(place, { recursive: true, force: true }));
  const file = join(place, 'disk');
  await run('truncate', ['-s', String(bytes), file]);
  await run('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file]);
  return await mounted(context, place, file);
}

async function mounted(
  context: Pick<RowContext, 'after'>,
  place: string,
  file: string,
): Promise<DiskFile> {
  const directory = await mount(context, ['-o', 'loop', file]);
  await chmod(directory, 0o755);
  return {
    directory,
    flush: () => run('sync', ['-f', directory]),
    async copy() {
      const other = `${file}-copy`;
      await run('cp', ['--sparse=always', file, other]);
      return await mounted(context, place, other);
    },
  };
}

async function mount(context: Pick<RowContext, 'after'>, args: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'trackbridge-mount-'));
  await mkdir(directory, { recursive: true });
  await run('mount', [...args, directory]).catch((error: unknown) => {
    throw new CannotRun(`needs the right to mount a disk: ${String(error)}`);
  });
  context.after(async () => {
    // Lazily: a process that just ends may still have a file open.
    await run('umount', ['-l', directory]);
    await rm(directory, { recursive: true, force: true });
  });
  return directory;
}
