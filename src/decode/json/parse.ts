import { TrackbridgeError } from '../../core/errors.js';
import type { JsonValue } from '../../core/json.js';
import type { Limits } from '../limits.js';
import { checkEvents, checkLimits, dropPrototypeKeys } from '../sanitize.js';
import { exactIdText, quoteLongIds, type Role } from './exact-ids.js';
import { findJsonFault } from './fault.js';
import { checkText } from './limits.js';

// The shortest form of a key is `"":0,`. A shorter text cannot hold more than `limits.keys`.
const SHORTEST_KEY = 5;

// Locating a fault takes several times as long as parsing: half a second for 8 MB, on the event loop.
const LONGEST_EXPLAINED = 1_000_000;

/**
 * Parses a JSON text and removes prototype keys. The text counts as one event.
 *
 * Throws BODY_MALFORMED with line, column and offset if it is not JSON, LIMIT_EXCEEDED if it is too deep or has too
 * many keys.
 */
export function parseJson(text: string, limits: Limits): JsonValue {
  return orRefuse(tryParseJson(text, limits), text);
}

/** Like `parseJson`, but returns undefined if the text is not JSON. Throws LIMIT_EXCEEDED. */
export function tryParseJson(text: string, limits: Limits): JsonValue | undefined {
  return tryParse(text, limits);
}

/**
 * Parses the JSON text of an event or a batch, by the rules of `batchOf`. Unlike `parseJson`, it counts the keys of
 * each event separately, and turns ids that a double cannot represent into strings of the digits that were sent (see
 * `quoteLongIds`).
 */
export function parseEvents(text: string, limits: Limits): JsonValue {
  return orRefuse(tryParseEvents(text, limits), text);
}

/**
 * Like `parseEvents`, but returns undefined if the text is not JSON. `role` is the role of the text if it is only a
 * part of an event: an id with a number that a double cannot represent then stays text. Throws LIMIT_EXCEEDED.
 */
export function tryParseEvents(
  text: string,
  limits: Limits,
  role: Role = 'body',
): JsonValue | undefined {
  return tryParse(text, limits, role);
}

/** `role` is undefined for a text that is not part of an event. */
function tryParse(text: string, limits: Limits, role?: Role): JsonValue | undefined {
  const holds = role === 'body' || role === 'batch' ? 'events' : 'value';
  // A large text is checked before parsing: parsing 8 MB of brackets stops the event loop for over a second, scanning
  // them takes 15 ms. An ordinary event is checked after parsing, which costs a tenth of a scan.
  const isLarge = text.length > limits.keys * SHORTEST_KEY;
  if (isLarge) checkText(text, limits, holds);
  const id = role === 'id' ? exactIdText(text) : undefined;
  if (id !== undefined) return id;
  let value: JsonValue;
  try {
    value = JSON.parse(role === undefined ? text : quoteLongIds(text, role));
  } catch {
    return undefined;
  }
  if (!isLarge) (holds === 'events' ? checkEvents : checkLimits)(value, limits);
  return mayHoldPrototypeKeys(text) ? dropPrototypeKeys(value) : value;
}

// A key can also be written with \u00xx escapes. Searching the text is far cheaper than walking every event.
function mayHoldPrototypeKeys(text: string): boolean {
  return text.includes('proto') || text.includes('\\u00');
}

// V8's own message differs between major versions and quotes the text, which is payload.
function orRefuse(value: JsonValue | undefined, text: string): JsonValue {
  if (value !== undefined) return value;
  if (text.length > LONGEST_EXPLAINED) {
    throw new TrackbridgeError('BODY_MALFORMED', 'the body begins like JSON but is not valid JSON');
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
  const detail = `the JSON is invalid at ${where}: expected ${expected}; send the text as it was serialized`;
  throw new TrackbridgeError('BODY_MALFORMED', detail);
}
