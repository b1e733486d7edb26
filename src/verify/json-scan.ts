/**
 * A reader of JSON bytes that tells where values begin and end without building or re-serialising them: a signature
 * holds over the sender's own bytes, and numbers, escapes and white space do not survive a round trip.
 *
 * Offsets count bytes; -1 stands for "this is not JSON". It is exact about strings, escapes and nesting, and leaves it to
 * the decoder, which reads the same bytes afterwards, to refuse a misspelt number or literal.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export interface Member {
  /** The key after its escapes are undone: `js\u006fn` and `json` are one key. */
  readonly key: string;
  /** Where the value's bytes begin and end. */
  readonly start: number;
  readonly end: number;
}

/** Where the JSON text of a body begins: after a UTF-8 byte order mark and white space. */
export function jsonStart(body: Buffer): number {
  const marked = body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return skipSpace(body, marked ? 3 : 0);
}

/** The first offset at or after `at` that is not JSON's white space; it may be the end. */
export function skipSpace(bytes: Buffer, at: number): number {
  let next = at;
  while (isSpace(bytes[next])) next++;
  return next;
}

/** The offset after the value that begins at `at`, or -1. A loop, since senders choose the depth. */
export function skipValue(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) return skipScalar(bytes, at);
  let depth = 0;
  let next = at;
  while (next < bytes.length) {
    const byte = bytes[next];
    if (byte === QUOTE) {
      next = skipString(bytes, next);
      if (next < 0) return -1;
      continue;
    }
    next++;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth--;
      // In ASCII each closing bracket stands two after its opening one.
      if (depth === 0) return bytes[next - 1] === first + 2 ? next : -1;
    }
  }
  return -1;
}

/**
 * The members of the object that begins at `at`, in their order and with repeated keys repeated, and the offset after
 * it; undefined where there is no sound object.
 */
export function objectMembers(
  bytes: Buffer,
  at: number,
): { readonly members: readonly Member[]; readonly end: number } | undefined {
  if (bytes[at] !== OPEN_OBJECT) return undefined;
  const members: Member[] = [];
  let next = skipSpace(bytes, at + 1);
  if (bytes[next] === CLOSE_OBJECT) return { members, end: next + 1 };
  for (;;) {
    const member = memberAt(bytes, next);
    if (member === undefined) return undefined;
    members.push(member);
    next = skipSpace(bytes, member.end);
    if (bytes[next] === CLOSE_OBJECT) return { members, end: next + 1 };
    if (bytes[next] !== COMMA) return undefined;
    next = skipSpace(bytes, next + 1);
  }
}

function memberAt(bytes: Buffer, at: number): Member | undefined {
  if (bytes[at] !== QUOTE) return undefined;
  const keyEnd = skipString(bytes, at);
  if (keyEnd < 0) return undefined;
  const key = stringAt(bytes, at, keyEnd);
  const colon = skipSpace(bytes, keyEnd);
  if (key === undefined || bytes[colon] !== COLON) return undefined;
  const start = skipSpace(bytes, colon + 1);
  const end = skipValue(bytes, start);
  return end < 0 ? undefined : { key, start, end };
}

/** The text of the JSON string between two offsets, quotes included; undefined where it is not one. */
export function stringAt(bytes: Buffer, start: number, end: number): string | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  const text = bytes.toString('utf8', start, end);
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The offset after the string whose opening quote is at `at`, or -1. */
function skipString(bytes: Buffer, at: number): number {
  for (let next = at + 1; next < bytes.length; next++) {
    const byte = bytes[next];
    if (byte === QUOTE) return next + 1;
    if (byte === BACKSLASH) next++;
  }
  return -1;
}

/** The offset after a number or literal: everything up to what may follow a value. -1 where that is nothing. */
function skipScalar(bytes: Buffer, at: number): number {
  let next = at;
  while (next < bytes.length && isScalar(bytes[next])) next++;
  return next === at ? -1 : next;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Digits, letters, sign and point: the bytes of numbers, `true`, `false` and `null`. */
function isScalar(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const digit = byte >= 0x30 && byte <= 0x39;
  const letter = (byte >= 0x61 && byte <= 0x7a) || byte === 0x45;
  return digit || letter || byte === 0x2b || byte === 0x2d || byte === 0x2e;
}
