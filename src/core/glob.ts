const STAR = -1;
const ANY = -2;

/** The first code point that needs two UTF-16 units. */
const ASTRAL = 0x10000;

/**
 * Compiles a glob that matches a whole text: `*` matches any characters or none, `?` exactly one, everything else
 * itself, case-sensitively. A character is a code point, so `?` matches an emoji.
 *
 * Event names come from outside and can be megabytes long. The matcher copies no part of them and backtracks only to
 * the last star. Its worst case is the product of both lengths; a RegExp with several stars grows with the power of
 * their number.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const glob = Array.from(pattern, (character) =>
    character === '*' ? STAR : character === '?' ? ANY : (character.codePointAt(0) ?? 0),
  );
  return (text) => matches(glob, text);
}

function matches(glob: readonly number[], text: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let swallowed = 0;
  while (at < text.length) {
    const wanted = glob[next];
    const found = text.codePointAt(at) ?? 0;
    if (wanted === STAR) {
      star = next++;
      swallowed = at;
    } else if (wanted === ANY || wanted === found) {
      next++;
      at += widthOf(found);
    } else if (star >= 0) {
      // Only the last star needs backtracking: an earlier star that matched more would leave less for the rest.
      next = star + 1;
      swallowed += widthOf(text.codePointAt(swallowed) ?? 0);
      at = swallowed;
    } else {
      return false;
    }
  }
  while (glob[next] === STAR) next++;
  return next === glob.length;
}

function widthOf(codePoint: number): number {
  return codePoint < ASTRAL ? 1 : 2;
}
