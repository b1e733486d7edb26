import { readFileSync } from 'node:fs';

/** File descriptors kept free for everything else that opens files: the outbox, sinks, their connections, modules. */
const LEAST_RESERVE = 64;
const RESERVE = 0.1;

/**
 * How many files this process may open; undefined if the system does not report it. When file descriptors run out, the
 * system silently drops connections and a sink cannot open its file, so the receiver respects the limit.
 */
export function openFilesLimit(limits: () => string = readLimits): number | undefined {
  let text: string;
  try {
    text = limits();
  } catch {
    return undefined;
  }
  // `Max open files            20000                20000                files`: the soft limit first, which counts.
  const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

/** How many of `wanted` connections fit under this limit of open files. */
export function connectionsWithin(limit: number | undefined, wanted: number): number {
  if (limit === undefined) return wanted;
  const reserve = Math.max(LEAST_RESERVE, Math.ceil(limit * RESERVE));
  return Math.max(1, Math.min(wanted, limit - reserve));
}

/** Only Linux has this file. */
function readLimits(): string {
  return readFileSync('/proc/self/limits', 'utf8');
}
