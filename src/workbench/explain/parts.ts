import {
  CLOSE_ARRAY,
  COMMA,
  jsonStart,
  OPEN_ARRAY,
  OPEN_OBJECT,
  objectMembers,
  skipSpace,
  skipValue,
} from '../../verify/json-scan.js';
import { type Variant, variant } from './deviation.js';

const MOST_ELEMENTS = 50;
const MOST_MEMBERS = 60;

/** Yields parts of the body that a sender may have signed instead of the body, as slices of it. */
export function* parts(body: Buffer): Generator<Variant> {
  yield* elements(body);
  yield* wrapped(body);
  yield* members(body);
}

/** Yields the elements of a batch, and the content of their `json`. */
function* elements(body: Buffer): Generator<Variant> {
  const found = elementsOf(body);
  for (const [index, element] of found.entries()) {
    const which = index === 0 ? 'first' : `element ${index + 1}`;
    if (index === 0) {
      yield variant(
        element,
        'first-element',
        'only the first element of the batch is checked',
        'Segment signs the first element of a batch: set batch: first-element in the source’s verify (in a receiver of your own, check the raw bytes of element 0).',
      );
    } else {
      yield variant(
        element,
        'other-element',
        `${which} of the batch is checked instead of the first`,
        'Something reordered or split the batch: forward the body unchanged, with the signed element first.',
      );
    }
    const wrapper = objectMembers(element, 0);
    const json = wrapper?.members.find((member) => member.key === 'json');
    if (json !== undefined) {
      yield variant(
        element.subarray(json.start, json.end),
        'json-member',
        `the json member of ${index === 0 ? 'the first element' : which} is checked`,
        'Segment’s extensible webhook signs the value of json, which must be the only member of the element: remove members that were added to it.',
      );
    }
    if (found.length > 1 && index === 0) {
      yield variant(
        Buffer.concat([Buffer.from('['), element, Buffer.from(']')]),
        'first-alone',
        'the array has only its first element',
        'Something merged two signed deliveries into one array: forward each unchanged.',
      );
    }
  }
}

/** Yields the content of the body, or the body with a wrapper, in case something wrapped or unwrapped it. */
function* wrapped(body: Buffer): Generator<Variant> {
  const fix =
    'Something on the way wraps or unwraps the body: have it forward the body unchanged, or check the signature before it.';
  yield variant(around('[', body, ']'), 'unwrapped', 'the body is wrapped in an array', fix);
  yield variant(
    around('{"batch":[', body, ']}'),
    'unwrapped',
    'the body is wrapped in {"batch":[...]}',
    fix,
  );
  for (const { key, bytes } of objectOf(body)) {
    if (!['batch', 'body', 'data', 'payload', 'event', 'JSON', 'message'].includes(key)) continue;
    yield variant(bytes, 'wrapped', `only the value of its member ${key} is checked`, fix);
    const [first] = elementsOf(bytes);
    if (first !== undefined) {
      yield variant(
        first,
        'wrapped',
        `only the first element of its member ${key} is checked`,
        fix,
      );
    }
    for (const inner of objectOf(bytes)) {
      if (inner.key !== 'JSON') continue;
      yield variant(inner.bytes, 'wrapped', `only the value of ${key}.JSON is checked`, fix);
    }
    const text = stringIn(bytes);
    if (text !== undefined) {
      yield variant(text, 'wrapped', `only the text in its member ${key} is checked`, fix);
    }
  }
}

/** Yields the body or its first element without members that may have been added after signing. */
function* members(body: Buffer): Generator<Variant> {
  for (const whole of [body, ...elementsOf(body).slice(0, 1)]) {
    const object = objectOf(whole);
    if (object.length === 0 || object.length > MOST_MEMBERS) continue;
    const place = whole === body ? 'the body' : 'the first element of the batch';
    for (let kept = object.length - 1; kept >= 0; kept--) {
      const dropped = object.slice(kept).map(({ key }) => key);
      yield added(cut(whole, object.slice(0, kept)), dropped, place);
    }
    for (let at = 0; at < object.length - 1; at++) {
      const rest = object.filter((_, index) => index !== at);
      yield added(cut(whole, rest), [object[at]?.key ?? ''], place);
    }
  }
}

function added(bytes: Buffer, keys: readonly string[], place: string): Variant {
  const names = keys.map((key) => JSON.stringify(key.slice(0, 40))).join(', ');
  return variant(
    bytes,
    'added-members',
    `${place} is checked without ${names}`,
    'These members were added after signing. Webhook Audiences adds its extras this way: list them in the option extras of the scheme. Otherwise, have the proxy or framework add nothing.',
  );
}

interface Slice {
  readonly key: string;
  /** From the key's quote to the end of the value. */
  readonly text: Buffer;
  readonly bytes: Buffer;
}

function objectOf(bytes: Buffer): Slice[] {
  const open = jsonStart(bytes);
  if (bytes[open] !== OPEN_OBJECT) return [];
  const object = objectMembers(bytes, open);
  let from = open + 1;
  return (object?.members ?? []).map(({ key, start, end }) => {
    const keyStart = skipSpace(bytes, from);
    from = skipSpace(bytes, end) + 1;
    return { key, text: bytes.subarray(keyStart, end), bytes: bytes.subarray(start, end) };
  });
}

/**
 * Returns an object of these members, with the original whitespace if all kept members precede the first dropped one.
 */
function cut(whole: Buffer, kept: readonly Slice[]): Buffer {
  const spaced = whole.includes(', "') ? ', ' : ',';
  const texts = kept.map(({ text }) => text.toString('latin1'));
  return Buffer.from(`{${texts.join(spaced)}}`, 'latin1');
}

/** Returns the bytes of the first fifty elements of a JSON array; `[]` if the text is not an array. */
function elementsOf(bytes: Buffer): Buffer[] {
  let at = jsonStart(bytes);
  if (bytes[at] !== OPEN_ARRAY) return [];
  const found: Buffer[] = [];
  while (found.length < MOST_ELEMENTS) {
    const start = skipSpace(bytes, at + 1);
    if (bytes[start] === CLOSE_ARRAY) return found;
    const end = skipValue(bytes, start);
    if (end < 0) return found;
    found.push(bytes.subarray(start, end));
    at = skipSpace(bytes, end);
    if (bytes[at] !== COMMA) return found;
  }
  return found;
}

function around(before: string, body: Buffer, after: string): Buffer {
  return Buffer.concat([Buffer.from(before), body, Buffer.from(after)]);
}

function stringIn(bytes: Buffer): Buffer | undefined {
  if (bytes[0] !== 0x22) return undefined;
  try {
    return Buffer.from(String(JSON.parse(bytes.toString('utf8'))), 'utf8');
  } catch {
    return undefined;
  }
}
