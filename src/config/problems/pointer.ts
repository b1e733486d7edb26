/** Returns the JSON pointer of a member or element below another pointer. */
export function child(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Returns the keys of a JSON pointer, from the root. */
export function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * Returns a JSON pointer in readable form: `sources.segment.verify.secrets[0]`. Always one line, whatever the keys
 * contain.
 */
export function labelOf(pointer: string): string {
  const keys = keysOf(pointer);
  if (keys.length === 0) return 'the configuration';
  return keys.map((key, at) => (at === 0 ? shownKey(key) : step(key))).join('');
}

function step(key: string): string {
  return /^\d+$/.test(key) ? `[${key}]` : `.${shownKey(key)}`;
}

/**
 * Returns a key for display. A key that is not a plain word is quoted, so that a line break or terminal escape in it is
 * harmless.
 */
export function shownKey(key: string): string {
  return /^[\w$-]{1,64}$/.test(key) ? key : quoted(key);
}

/**
 * Returns a text in quotes on one line. Long texts are cut, and everything but plain printable characters is escaped.
 */
export function quoted(text: string): string {
  const cut = text.length > 64 ? `${text.slice(0, 64)}...` : text;
  return JSON.stringify(cut).replace(
    /[^\P{C} ]|[\u2028\u2029]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
