/** Long enough for any name of an event, too short to fill a server's memory with keys. */
const LONGEST = 128;

/**
 * Makes a value fit into a key: `:` separates the parts of keys and braces choose the slot in a cluster, so an event could
 * otherwise pick another stream than the operator meant.
 */
export function redisKeyPart(value: string): string {
  // Cut by code point: half of a surrogate pair is no text.
  const short = value.length > LONGEST ? Array.from(value).slice(0, LONGEST).join('') : value;
  return short.replace(/[:{}\p{Cc}\p{Cs}]/gu, '_');
}

/**
 * What to begin another key with that must be in the slot of `key` in a cluster: the key itself where it has a hash tag,
 * else the key as a hash tag. Throws a TypeError for a key where neither holds (a `}` without its `{`).
 */
export function hashTagged(key: string): string {
  // Redis' rule: what stands between the first `{` and the first `}` after it, unless that is nothing.
  if (/^[^{]*\{[^}]+\}/.test(key)) return key;
  if (key.includes('}')) throw new TypeError('has a "}" that closes no name; leave it out');
  return `{${key}}`;
}
