import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  jsonStart,
  memberAt,
  OPEN_ARRAY,
  OPEN_OBJECT,
  objectMembers,
  skipRest,
  skipSpace,
  skipValue,
} from './json-scan.js';

/** The first element of a batch, in the sender's own bytes. */
export interface FirstElement {
  readonly element: Buffer;
  /**
   * The bytes of its `json` member, if that is the only member. Segment's extensible webhook wraps each event this way.
   */
  readonly json?: Buffer;
}

/**
 * Finds the first element of a body that is a JSON array, as slices of the body. Returns undefined if the body is not
 * an array, is empty, or ends before the comma or bracket that follows the element.
 *
 * It runs before authentication, so it only finds where the element ends. Check `isUnambiguous` before you accept a
 * signature over one of the slices.
 */
export function firstElement(body: Buffer): FirstElement | undefined {
  const open = jsonStart(body);
  if (body[open] !== OPEN_ARRAY) return undefined;
  const start = skipSpace(body, open + 1);
  const found = body[start] === OPEN_OBJECT ? objectAt(body, start) : plainAt(body, start);
  return found !== undefined && endsElement(body, start + found.element.length) ? found : undefined;
}

/**
 * Whether an element, and its only member `json`, are valid JSON without repeated keys. JSON parsers differ on which of
 * two equal keys counts, so a signature would not prove which value was signed. No sender's serializer repeats a key.
 */
export function isUnambiguous({ element, json }: FirstElement): boolean {
  return hasNoRepeats(element) && (json === undefined || hasNoRepeats(json));
}

/**
 * Makes the same check on the first element of a body that is signed as a whole. A body that is not a batch of objects
 * passes.
 */
export function beginsUnambiguously(body: Buffer): boolean {
  const open = jsonStart(body);
  if (body[open] !== OPEN_ARRAY) return true;
  const start = skipSpace(body, open + 1);
  const object = objectMembers(body, start);
  return object === undefined || !repeatsKey(object.members);
}

function objectAt(body: Buffer, start: number): FirstElement | undefined {
  const first = skipSpace(body, start + 1);
  if (body[first] === CLOSE_OBJECT) return { element: body.subarray(start, first + 1) };
  const member = memberAt(body, first, 'json');
  if (member === undefined) return undefined;
  const next = skipSpace(body, member.end);
  if (body[next] === CLOSE_OBJECT) {
    const element = body.subarray(start, next + 1);
    return member.isNamed
      ? { element, json: body.subarray(member.start, member.end) }
      : { element };
  }
  const end = skipRest(body, next, CLOSE_OBJECT);
  return end < 0 ? undefined : { element: body.subarray(start, end) };
}

function plainAt(body: Buffer, start: number): FirstElement | undefined {
  const end = skipValue(body, start);
  return end < 0 ? undefined : { element: body.subarray(start, end) };
}

function endsElement(body: Buffer, end: number): boolean {
  const after = body[skipSpace(body, end)];
  return after === COMMA || after === CLOSE_ARRAY;
}

function hasNoRepeats(value: Buffer): boolean {
  if (value[0] !== OPEN_OBJECT) return true;
  const object = objectMembers(value, 0);
  return object?.end === value.length && !repeatsKey(object.members);
}

function repeatsKey(members: readonly { readonly key: string }[]): boolean {
  return new Set(members.map((member) => member.key)).size < members.length;
}
