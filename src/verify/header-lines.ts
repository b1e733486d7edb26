import type { HeaderLines } from './verifier.js';

/**
 * Reads header lines from Node's `rawHeaders` (name, value, name, value, ...). It builds no index: a request reads one
 * or two headers, and scanning about ten names costs less.
 */
export function headerLines(rawHeaders: readonly string[]): HeaderLines {
  return {
    all(name) {
      const values: string[] = [];
      for (let at = next(rawHeaders, name, 0); at >= 0; at = next(rawHeaders, name, at + 2)) {
        values.push(rawHeaders[at + 1] ?? '');
      }
      return values;
    },
    first(name) {
      const at = next(rawHeaders, name, 0);
      return at < 0 ? undefined : (rawHeaders[at + 1] ?? '');
    },
    names: () => [
      ...new Set(rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())),
    ],
  };
}

/** The index of the next line of that name at or after `from`, or -1. */
function next(rawHeaders: readonly string[], name: string, from: number): number {
  for (let at = from; at < rawHeaders.length; at += 2) {
    const candidate = rawHeaders[at];
    // Comparing lengths first spares nearly every line a lower-case copy of its name.
    if (candidate?.length === name.length && candidate.toLowerCase() === name) return at;
  }
  return -1;
}
