/**
 * Scans JSON bytes for where values begin and end, without parsing or re-serializing them. A signature covers the
 * sender's own bytes, and numbers, escapes and whitespace do not survive a round trip.
 *
 * Offsets count bytes; -1 means "this is not JSON". The scan is exact about strings, escapes and nesting. The decoder
 * reads the same bytes afterwards and rejects invalid numbers and literals.
 *
 * Everything except `objectMembers` runs before authentication. It reads each byte a bounded number of times and
 * allocates nothing per member, since 8 MB can hold 1.6 million members.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

const LOWER_U = 0x75;
/** `\u` and four digits. */
const ESCAPE_LENGTH = 6;

export interface Member {
  /** The unescaped key: `js\u006fn` and `json` are the same key. */
  readonly key: string;
  /** The value's first byte and the byte after its last. */
  readonly start: number;
  readonly end: number;
}

interface NamedMember {
  readonly isNamed: boolean;
  readonly start: number;
  readonly end: number;
}

interface Found {
  readonly start: number;
  readonly end: number;
  readonly after: number;
}

/** Returns the offset of a body's JSON text: after a UTF-8 byte order mark and whitespace. */
export function jsonStart(body: Buffer): number {
  const marked = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return skipSpace(body, marked ? 3 : 0);
}

/** Returns the first offset at or after `at` that is not JSON whitespace, possibly the end. */
export function skipSpace(bytes: Buffer, at: number): number {
  let next = at;
  while (isSpace(bytes[next])) next++;
  return next;
}

/** The offset after the value that begins at `at`, or -1. */
export function skipValue(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) return skipScalar(bytes, at);
  // In ASCII the code of a closing bracket is that of its opening bracket plus two.
  return skipRest(bytes, at + 1, first + 2);
}

/**
 * Returns the offset after the object or array that contains `at` and ends with `close`, or -1. It loops instead of
 * recursing because senders choose the depth. It ignores everything except strings and brackets.
 */
export function skipRest(bytes: Buffer, at: number, close: number): number {
  let depth = 1;
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
      if (depth === 0) return byte === close ? next : -1;
    }
  }
  return -1;
}

/**
 * Finds the value of the last top-level member called `name` in the object that begins at `at`, and the offset after
 * the object. Returns undefined if there is no such member or the object does not end. `name` is ASCII; the key in the
 * bytes may be escaped.
 */
export function lastMember(bytes: Buffer, at: number, name: string): Found | undefined {
  let start = -1;
  let end = -1;
  let depth = 1;
  let next = at + 1;
  while (next < bytes.length) {
    const byte = bytes[next];
    if (byte === QUOTE) {
      const keyEnd = skipString(bytes, next);
      if (keyEnd < 0) return undefined;
      const value = depth === 1 && says(bytes, next, keyEnd, name) ? skipColon(bytes, keyEnd) : -1;
      next = value < 0 ? keyEnd : skipValue(bytes, value);
      if (next < 0) return undefined;
      if (value >= 0) {
        start = value;
        end = next;
      }
      continue;
    }
    next++;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth--;
      if (depth === 0) return start < 0 ? undefined : { start, end, after: next };
    }
  }
  return undefined;
}

/** Finds the value of the member whose key begins at `at`, and whether the key is `name`. */
export function memberAt(bytes: Buffer, at: number, name: string): NamedMember | undefined {
  const value = valueBehind(bytes, at);
  return value && { ...value, isNamed: says(bytes, at, value.keyEnd, name) };
}

function valueBehind(
  bytes: Buffer,
  at: number,
): { readonly keyEnd: number; readonly start: number; readonly end: number } | undefined {
  if (bytes[at] !== QUOTE) return undefined;
  const keyEnd = skipString(bytes, at);
  const start = keyEnd < 0 ? -1 : skipColon(bytes, keyEnd);
  const end = start < 0 ? -1 : skipValue(bytes, start);
  return end < 0 ? undefined : { keyEnd, start, end };
}

/** The offset of the value whose key ends at `at`, or -1. */
function skipColon(bytes: Buffer, at: number): number {
  const colon = skipSpace(bytes, at);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : -1;
}

/** Whether the string between two offsets, quotes included, is `name`. It stops at the first character that differs. */
function says(bytes: Buffer, start: number, end: number, name: string): boolean {
  let at = start + 1;
  for (let index = 0; index < name.length; index++) {
    const isEscaped = bytes[at] === BACKSLASH && bytes[at + 1] === LOWER_U;
    const code = isEscaped ? fourDigits(bytes, at + 2) : bytes[at];
    if (code !== name.charCodeAt(index)) return false;
    at += isEscaped ? ESCAPE_LENGTH : 1;
  }
  return at === end - 1;
}

/** The value of four hexadecimal digits; NaN if one is not a digit. */
function fourDigits(bytes: Buffer, at: number): number {
  let code = 0;
  for (let next = at; next < at + 4; next++) code = code * 16 + digitOf(bytes[next] ?? 0);
  return code;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}

/**
 * Returns the members of the object that begins at `at`, in order and including repeated keys, and the offset after the
 * object. Returns undefined if the object is invalid. It parses every key, so use it only on authenticated deliveries.
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
    const value = valueBehind(bytes, next);
    const key = value && stringAt(bytes, next, value.keyEnd);
    if (value === undefined || key === undefined) return undefined;
    members.push({ key, start: value.start, end: value.end });
    next = skipSpace(bytes, value.end);
    if (bytes[next] === CLOSE_OBJECT) return { members, end: next + 1 };
    if (bytes[next] !== COMMA) return undefined;
    next = skipSpace(bytes, next + 1);
  }
}

/**
 * Returns the text of the JSON string between two offsets, quotes included, or undefined if the bytes are not a string.
 */
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

/** The offset after a number or literal, or -1 if there is none. */
function skipScalar(bytes: Buffer, at: number): number {
  let next = at;
  while (next < bytes.length && isScalar(bytes[next])) next++;
  return next === at ? -1 : next;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Whether the byte can be part of a number, `true`, `false` or `null`. */
function isScalar(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const digit = byte >= 0x30 && byte <= 0x39;
  const letter = (byte >= 0x61 && byte <= 0x7a) || byte === 0x45;
  return digit || letter || byte === 0x2b || byte === 0x2d || byte === 0x2e;
}
