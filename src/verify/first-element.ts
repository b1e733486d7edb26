import {
  CLOSE_ARRAY,
  COMMA,
  jsonStart,
  type Member,
  OPEN_ARRAY,
  OPEN_OBJECT,
  objectMembers,
  skipSpace,
  skipValue,
} from './json-scan.js';

/** The sender's own bytes of a batch's first element. */
export interface FirstElement {
  readonly element: Buffer;
  /** The bytes of its `json` member, where that is its only one: Segment's extensible webhook wraps each event so. */
  readonly json?: Buffer;
}

/**
 * Finds the first element of a body that is a JSON array, as slices of the body. Undefined where the body is not an array,
 * is empty, is not sound as far as it is looked at (to the comma or bracket after the element), or where the element or
 * its `json` member has a key twice: readers differ on which of the two counts, so a signature would not say what was
 * signed. Takes time and memory linear in the element's length.
 */
export function firstElement(body: Buffer): FirstElement | undefined {
  const open = jsonStart(body);
  if (body[open] !== OPEN_ARRAY) return undefined;
  const start = skipSpace(body, open + 1);
  if (body[start] !== OPEN_OBJECT) return plainElement(body, start);
  const object = objectMembers(body, start);
  if (object === undefined || repeatsKey(object.members) || !endsElement(body, object.end)) {
    return undefined;
  }
  const element = body.subarray(start, object.end);
  const [only] = object.members;
  if (object.members.length !== 1 || only?.key !== 'json') return { element };
  if (body[only.start] === OPEN_OBJECT) {
    const inner = objectMembers(body, only.start);
    if (inner === undefined || repeatsKey(inner.members)) return undefined;
  }
  return { element, json: body.subarray(only.start, only.end) };
}

/**
 * Whether a body is a JSON array whose first element has a key twice. No signature makes such an element good, not even
 * one over the whole body: no sender's serialiser writes it, and readers differ on what it says.
 */
export function repeatsMember(body: Buffer): boolean {
  const open = jsonStart(body);
  if (body[open] !== OPEN_ARRAY) return false;
  const start = skipSpace(body, open + 1);
  if (body[start] !== OPEN_OBJECT) return false;
  const object = objectMembers(body, start);
  return object !== undefined && repeatsKey(object.members);
}

function plainElement(body: Buffer, start: number): FirstElement | undefined {
  const end = skipValue(body, start);
  return end >= 0 && endsElement(body, end) ? { element: body.subarray(start, end) } : undefined;
}

function endsElement(body: Buffer, end: number): boolean {
  const after = body[skipSpace(body, end)];
  return after === COMMA || after === CLOSE_ARRAY;
}

function repeatsKey(members: readonly Member[]): boolean {
  return new Set(members.map((member) => member.key)).size < members.length;
}
