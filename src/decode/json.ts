import { TrackbridgeError } from '../errors.js';
import type { JsonValue } from '../event/event.js';
import { findJsonFault } from './json-fault.js';
import type { Limits } from './limits.js';
import { checkLimits, dropPrototypeKeys, tooDeep, tooManyKeys } from './sanitize.js';

// The shortest way to write one more key is `"":0,`: a shorter text cannot hold more than `limits.keys`.
const SHORTEST_KEY = 5;

// Finding the fault costs several times what parsing does: half a second for 8 MB, on the event loop.
const LONGEST_EXPLAINED = 1_000_000;

// Objects and arrays in arrays cost no key; a body of real events has fewer of them than keys.
const CONTAINERS_A_KEY = 2;

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * The value of a JSON text, without prototype keys.
 *
 * Throws BODY_MALFORMED with line, column and offset where it is not JSON, and LIMIT_EXCEEDED where it is nested too deep
 * or holds too many keys.
 */
export function parseJson(text: string, limits: Limits): JsonValue {
  const value = tryParseJson(text, limits);
  if (value === undefined) throw notJson(text);
  return value;
}

/** Like `parseJson`, but undefined where the text is not JSON. Throws LIMIT_EXCEEDED. */
export function tryParseJson(text: string, limits: Limits): JsonValue | undefined {
  // A large hostile text is refused from its text: parsing 8 MB of brackets stops the event loop for over a second,
  // reading them takes 15 ms. For the usual event it is the other way round: looking at what was parsed costs a tenth.
  const isLarge = text.length > limits.keys * SHORTEST_KEY;
  if (isLarge) checkText(text, limits);
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isLarge) checkLimits(value, limits);
  return mayHoldPrototypeKeys(text) ? dropPrototypeKeys(value) : value;
}

// A key can also be written in \u00xx escapes. Searching the text is far cheaper than walking every event.
function mayHoldPrototypeKeys(text: string): boolean {
  return text.includes('proto') || text.includes('\\u00');
}

/** `checkLimits` on a text instead of a value; a key that is there twice counts twice. Need not be JSON. */
function checkText(text: string, limits: Limits): void {
  let depth = 0;
  let keys = 0;
  let containers = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > limits.depth) throw tooDeep(limits);
      // Millions of empty objects hold no key, and stop the event loop for seconds all the same.
      if (++containers > CONTAINERS_A_KEY * limits.keys) throw tooManyKeys(limits);
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    else if (code === COLON && ++keys > limits.keys) throw tooManyKeys(limits);
  }
}

// Texts make up most of an event: searching for their ends instead of reading them halves the time.
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

// V8 says something else about the same fault in every major version, and quotes the text, which is payload.
function notJson(text: string): TrackbridgeError {
  if (text.length > LONGEST_EXPLAINED) {
    return new TrackbridgeError('BODY_MALFORMED', 'the body begins like JSON and is none');
  }
  const { offset, expected } = findJsonFault(text) ?? { offset: 0, expected: 'a JSON value' };
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    lineStart = at + 1;
  }
  const column = offset - lineStart + 1;
  const where = `line ${line}, column ${column} (offset ${offset})`;
  const detail = `the JSON breaks off at ${where}, where ${expected} is expected; send the text as it was serialised`;
  return new TrackbridgeError('BODY_MALFORMED', detail);
}
