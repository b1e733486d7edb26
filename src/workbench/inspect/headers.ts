import type { HeaderLine } from './record.js';

/** Headers of the connection itself, which must not be sent again from a recording. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'expect',
  'te',
  'trailer',
  'upgrade',
]);

/** Whether a header belongs to the connection it was received on. Bodies are kept without their content coding. */
export function isHopHeader(name: string): boolean {
  return OF_THE_CONNECTION.has(name.toLowerCase());
}

/** Returns Node's `rawHeaders`, alternating names and values, as pairs. */
export function pairsOf(rawHeaders: readonly string[]): HeaderLine[] {
  const pairs: HeaderLine[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  }
  return pairs;
}
