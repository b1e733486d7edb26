import { readFileSync } from 'node:fs';
import { childrenOf } from './processes.js';

/** Resident memory of a process and its children in megabytes; what they share counts for each. Linux only. */
export function residentMegabytes(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1];
    return sum + Number(kilobytes) / 1_024;
  }, 0);
}
