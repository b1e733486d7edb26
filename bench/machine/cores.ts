import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Which cores a process may use, as `taskset` writes them. */
export const CORES = { one: '0', load: '1', all: `0-${Math.max(availableParallelism() - 1, 0)}` };

/** Keeps this process, which is the load, off the core of the servers. On a machine with one core nothing changes. */
export function moveLoad(): void {
  if (availableParallelism() > 1) allowLoad(CORES.load);
}

/** Lets the load use every core while `work` runs, and moves it back. */
export async function withLoadEverywhere<T>(work: () => Promise<T>): Promise<T> {
  allowLoad(CORES.all);
  try {
    return await work();
  } finally {
    moveLoad();
  }
}

function allowLoad(cores: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)]);
}
