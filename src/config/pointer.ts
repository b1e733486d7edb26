/** The JSON pointer of a member or element below another one. */
export function child(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The keys that a JSON pointer leads through, from the root. */
export function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A JSON pointer as people write it: `sources.segment.verify.secrets[0]`. One line, whatever the keys hold. */
export function labelOf(pointer: string): string {
  const keys = keysOf(pointer);
  if (keys.length === 0) return 'the configuration';
  return keys.map((key, at) => (at === 0 ? shownKey(key) : step(key))).join('');
}

function step(key: string): string {
  return /^\d+$/.test(key) ? `[${key}]` : `.${shownKey(key)}`;
}

/** A key that is no plain word is quoted, so that a line break or terminal escape in it does no harm. */
export function shownKey(key: string): string {
  return /^[\w$-]{1,64}$/.test(key) ? key : quoted(key);
}

/** A text in quotes on one line, cut where it is long, with everything but plain printable characters escaped. */
export function quoted(text: string): string {
  const cut = text.length > 64 ? `${text.slice(0, 64)}...` : text;
  return JSON.stringify(cut).replace(
    /[^\P{C} ]|[\u2028\u2029]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
