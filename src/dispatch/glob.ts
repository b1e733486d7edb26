/**
 * Compiles a glob over a whole text: `*` stands for any characters, none included, `?` for exactly one, everything else
 * for itself, case and all. A character is a code point, so that `?` takes an emoji.
 *
 * Event names come from outside, so the matcher only ever goes back to the last star: at worst the product of both
 * lengths, where a RegExp made of several stars grows with their power.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const glob = Array.from(pattern);
  if (!glob.includes('*') && !glob.includes('?')) return (text) => text === pattern;
  return (text) => matches(glob, Array.from(text));
}

function matches(glob: readonly string[], text: readonly string[]): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let swallowed = 0;
  while (at < text.length) {
    const wanted = glob[next];
    if (wanted === '*') {
      star = next++;
      swallowed = at;
    } else if (wanted === '?' || wanted === text[at]) {
      next++;
      at++;
    } else if (star >= 0) {
      // Only the last star needs another try: an earlier one that took more would leave less for what follows.
      next = star + 1;
      at = ++swallowed;
    } else {
      return false;
    }
  }
  while (glob[next] === '*') next++;
  return next === glob.length;
}
