import { OUT_OF_MEMORY } from './messages.js';

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  /** What the process wrote to standard error last. */
  readonly tail: string;
  readonly heapMb: number;
}

/** Why a process ended that did not say so itself, as a sentence without its subject. */
export function reasonOf({ code, signal, tail, heapMb }: End): string {
  if (/heap out of memory|heap limit Allocation failed|Zone Allocation failed/.test(tail)) {
    return `used more than ${heapMb} MB of memory`;
  }
  const at = tail.lastIndexOf(OUT_OF_MEMORY);
  if (at >= 0)
    return `used more than ${Number.parseInt(tail.slice(at + OUT_OF_MEMORY.length), 10)} MB of memory in all`;
  if (signal === 'SIGKILL') return 'was killed (SIGKILL), perhaps for lack of memory';
  if (signal !== null) return `was ended by ${signal}`;
  return `ended with exit code ${code}`;
}
