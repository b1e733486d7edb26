import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { percentile } from '../statistics.js';

/** What a result was measured on. It names neither the machine nor its paths. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  readonly node: string;
  /** The type of the file system that holds the stores. */
  readonly fileSystem: string;
  /** One write of 4 kB and one fdatasync, in milliseconds. */
  readonly fsync: { readonly p50: number; readonly p99: number };
  readonly date: string;
  /** The commit, with `+` if files differ from it. */
  readonly commit: string;
}

/** Describes this machine and measures its disk. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${/^\d+(?:\.\d+)*/.exec(release())?.[0] ?? 'unknown'}`,
    node: process.version,
    fileSystem: fileSystemOf(tmpdir()),
    fsync: measureFsync(300),
    date: new Date().toISOString(),
    commit: commitOf(),
  };
}

function fileSystemOf(directory: string): string {
  const rows = execFileSync('df', ['--output=fstype', directory], { encoding: 'utf8' });
  return rows.trim().split('\n').at(-1) ?? 'unknown';
}

function measureFsync(times: number): Machine['fsync'] {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-bench-'));
  const file = openSync(join(directory, 'fsync'), 'w');
  const block = Buffer.alloc(4_096, 1);
  const took = Array.from({ length: times }, () => {
    const startedAt = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - startedAt;
  }).sort((a, b) => a - b);
  closeSync(file);
  rmSync(directory, { recursive: true });
  return { p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
}

function commitOf(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
