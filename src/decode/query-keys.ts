/** A step from a container to what it holds: a member's name or an array index. */
export type Step = string | number;

// A name, then indexes as the sender prints them: no sign, no leading zero.
const PART = /^([^[\]]*)((?:\[(?:0|[1-9][0-9]*)\])*)$/;

/**
 * Undoes RudderStack's flattening of one key: `products[0].id` becomes `['products', 0, 'id']`, and `[0].a`, of an array
 * at the root, `[0, 'a']`.
 *
 * The sender escapes nothing, so a key can also be a name that merely looks like this; those are taken as the structure.
 * What the flattening cannot have meant as structure stays a name, and nothing of the text is ever lost:
 * - a key with an empty part (`a..b`, `No.`, `.a`, the empty key) is one name as a whole;
 * - a part that is not a name with indexes behind it (`a[`, `a]b`, `a[x]`, `a[01]`, a lone `[0]` after a dot) is a name;
 * - so is a part with an index over `maxIndex`: `a[4294967295]` must not make anyone allocate an array of that length.
 */
export function stepsOf(key: string, maxIndex: number): Step[] {
  const parts = key.split('.');
  if (parts.includes('')) return [key];
  return parts.flatMap((part, position) => stepsOfPart(part, position === 0, maxIndex));
}

function stepsOfPart(part: string, isFirst: boolean, maxIndex: number): Step[] {
  // Most parts are plain names, and the pattern is the costlier way to find out.
  if (!part.endsWith(']')) return [part];
  const match = PART.exec(part);
  const name = match?.[1] ?? '';
  if (match === null || (name === '' && !isFirst)) return [part];
  const indexes = (match[2] ?? '').slice(1, -1).split('][').map(Number);
  if (indexes.some((index) => index > maxIndex)) return [part];
  return name === '' ? indexes : [name, ...indexes];
}

/** The flattened key of a member or element of what `key` names ('' for the root), as RudderStack's transformer joins them. */
export function flattenedKey(key: string, step: Step): string {
  if (typeof step === 'number') return `${key}[${step}]`;
  return key === '' ? step : `${key}.${step}`;
}
