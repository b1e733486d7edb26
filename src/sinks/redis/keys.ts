/** Long enough for any event name, too short to fill a server's memory with keys. */
const LONGEST = 128;

/**
 * Makes a value fit into a key: `:` separates the parts of keys, and braces choose the slot in a cluster, so an event
 * could otherwise select a stream that the operator did not intend.
 */
export function redisKeyPart(value: string): string {
  // Cut by code point, because an unpaired surrogate is not valid text.
  const short = value.length > LONGEST ? Array.from(value).slice(0, LONGEST).join('') : value;
  return short.replace(/[:{}\p{Cc}\p{Cs}]/gu, '_');
}

/**
 * Returns the prefix for another key that must be in the slot of `key` in a cluster: the key itself if it has a hash
 * tag, else the key as a hash tag. Throws a TypeError for a key that allows neither (a `}` without its `{`).
 */
export function hashTagged(key: string): string {
  // Redis' rule: the text between the first `{` and the first `}` after it, unless it is empty.
  if (/^[^{]*\{[^}]+\}/.test(key)) return key;
  if (key.includes('}')) throw new TypeError('has a "}" without a "{"; remove it');
  return `{${key}}`;
}
