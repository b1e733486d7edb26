import type { HeaderLine } from './record.js';

/** What the connection decides by itself, so that no recorded one may be sent again. */
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

/** Whether a header belongs to the connection that it came on; bodies are kept without their content coding. */
export function isHopHeader(name: string): boolean {
  return OF_THE_CONNECTION.has(name.toLowerCase());
}

/** Node's `rawHeaders`, names and values in turn, as pairs. */
export function pairsOf(rawHeaders: readonly string[]): HeaderLine[] {
  const pairs: HeaderLine[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  }
  return pairs;
}
