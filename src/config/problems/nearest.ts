import { quoted, shownKey } from './pointer.js';

/**
 * Returns the number of single-character edits between two words: insert, delete, replace, or swap two neighbors. Case
 * is ignored.
 */
export function distance(from: string, to: string): number {
  const a = from.toLowerCase();
  const b = to.toLowerCase();
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped && column > 1) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/** A longer word is not a misspelling, and comparing it costs the square of its length. */
const LONGEST_WORD = 64;

/** Returns the known word that an unknown one was probably meant to be, or undefined if none is close. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  let best: string | undefined;
  let least = Math.ceil(word.length * 0.4) + 1;
  for (const candidate of known) {
    const edits = distance(word, candidate);
    if (edits < least) {
      best = candidate;
      least = edits;
    }
  }
  return best;
}

/** Returns `; did you mean "x"?`, or `; known are a, b` if none is close. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== undefined) return `; did you mean ${quoted(near)}?`;
  if (known.length === 0) return '; nothing is known here';
  return `; known ${known.length === 1 ? 'is' : 'are'} ${known.map(shownKey).join(', ')}`;
}
