import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf } from './processes.js';

/** Linux counts CPU time in ticks of a hundredth of a second. */
const TICK = 10_000;

/** What one thread has used since it started. */
interface ThreadUse {
  readonly id: number;
  /** User and system time in microseconds. */
  readonly cpu: number;
  /** Bytes that it caused to be written to a disk. */
  readonly written: number;
}

/** What a process has used since it started. */
export interface ProcessUse {
  /** User and system time in microseconds, with that of its children. */
  readonly cpu: number;
  readonly threads: readonly ThreadUse[];
}

/** CPU time between two moments, in microseconds. */
export interface CpuSplit {
  readonly total: number;
  /** The main thread. */
  readonly loop: number;
  /** The thread other than the main one that writes most; 0 if the main thread writes most. */
  readonly store: number;
  /** Everything else: garbage collection, compilation, the thread pool, children. */
  readonly other: number;
}

/** What a process has used so far. Linux only. */
export function processUse(pid: number): ProcessUse {
  const threads = readdirSync(`/proc/${pid}/task`).flatMap((id) => {
    try {
      const stat = fieldsOf(readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8'));
      const io = readFileSync(`/proc/${pid}/task/${id}/io`, 'utf8');
      const written = Number(/^write_bytes: (\d+)$/m.exec(io)?.[1]);
      return [{ id: Number(id), cpu: ticks(stat, 11, 12), written }];
    } catch {
      return []; // The thread has ended meanwhile.
    }
  });
  const cpu = [pid, ...childrenOf(pid)].reduce((sum, each) => {
    const stat = fieldsOf(readFileSync(`/proc/${each}/stat`, 'utf8'));
    return sum + ticks(stat, 11, 12, 13, 14);
  }, 0);
  return { cpu, threads };
}

/** How the CPU time between two moments is spread over the threads. */
export function cpuBetween(pid: number, before: ProcessUse, after: ProcessUse): CpuSplit {
  const threads = after.threads.map(({ id, cpu, written }) => {
    const earlier = before.threads.find((thread) => thread.id === id);
    return { id, cpu: cpu - (earlier?.cpu ?? 0), written: written - (earlier?.written ?? 0) };
  });
  const total = after.cpu - before.cpu;
  const loop = threads.find(({ id }) => id === pid)?.cpu ?? 0;
  // Node 20 does not name its threads. The store's thread is known by what only it does: it writes.
  const writer = threads.reduce<(typeof threads)[number] | undefined>(
    (most, thread) => (thread.written > (most?.written ?? 0) ? thread : most),
    undefined,
  );
  const store = writer === undefined || writer.id === pid ? 0 : writer.cpu;
  return { total, loop, store, other: Math.max(total - loop - store, 0) };
}

/** The fields after the name of the command, which may contain spaces. */
function fieldsOf(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
}

function ticks(fields: readonly string[], ...indices: readonly number[]): number {
  return indices.reduce((sum, index) => sum + Number(fields[index]), 0) * TICK;
}
