import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { LIMITS, type Limits } from './limits.js';
import { flattenedKey } from './query-keys.js';
import { readParameters } from './query-parameters.js';
import { parseNumber } from './query-values.js';
import { checkLimits, dropPrototypeKeys } from './sanitize.js';

/** What `transformation.js` adds to a GET or DELETE delivery: the event but for the values that the query carries. */
export interface Envelope {
  readonly event: JsonObject;
  /** The member that the query carries, and the shape to fill with its values; absent where it carries nothing. */
  readonly carried?: { readonly name: 'properties' | 'traits'; readonly shape: JsonValue };
}

export interface OpenedEnvelope {
  /** The event as a POST delivery would have held it. */
  readonly event: JsonObject;
  /** Keys that the envelope speaks of and the query lacks, or holds as something else; in the event's order. */
  readonly collisions: string[];
}

const HEADER = 'x-trackbridge-event';
const FRAME = /^([1-9][0-9]{0,3})\/([1-9][0-9]{0,3});(.*);$/s;

/**
 * Puts the envelope together from the request's headers; `header` gives the first value of a name in lower case.
 * Undefined where there is none. Throws QUERY_MALFORMED where it is damaged or of another version, LIMIT_EXCEEDED where
 * it is nested deeper than a body may be.
 */
export function readEnvelope(
  header: (name: string) => string | undefined,
  limits: Limits = LIMITS,
): Envelope | undefined {
  const text = joinedText(header);
  return text === undefined ? undefined : parseEnvelope(text, limits);
}

function joinedText(header: (name: string) => string | undefined): string | undefined {
  const first = header(HEADER) ?? header(`${HEADER}-1`);
  if (first === undefined) {
    // Without this look a proxy that cut the first header would turn every event into an anonymous track.
    if (header(`${HEADER}-2`) !== undefined) throw damaged('header 1 is missing');
    return undefined;
  }
  const count = Number(FRAME.exec(first)?.[2] ?? 1);
  const parts: string[] = [];
  for (let index = 1; index <= count; index++) {
    const value = index === 1 ? first : header(`${HEADER}-${index}`);
    if (value === undefined) throw damaged(`header ${index} of ${count} is missing`);
    const [, position, of, part] = FRAME.exec(value) ?? [];
    if (part === undefined || Number(position) !== index || Number(of) !== count) {
      throw damaged(`header ${index} is not what was sent`);
    }
    parts.push(part);
  }
  return parts.join('');
}

function parseEnvelope(text: string, limits: Limits): Envelope {
  let parsed: JsonValue;
  try {
    parsed = JSON.parse(text) as JsonValue;
  } catch {
    // Without a cause: V8's words quote the text, which is payload, and a cause is logged.
    throw damaged('it is not JSON');
  }
  // The event is one level deeper in here than in a body, and the envelope's own keys come on top.
  checkLimits(parsed, { ...limits, depth: limits.depth + 1, keys: limits.keys + 4 });
  const envelope = dropPrototypeKeys(parsed);
  if (!isObject(envelope) || !isObject(envelope['event'])) throw damaged('it holds no event');
  if (envelope['v'] !== 1) {
    const detail = 'print the transformation of this version of Trackbridge and paste it again';
    throw new TrackbridgeError('QUERY_MALFORMED', `the envelope's version is not known; ${detail}`);
  }
  const event = envelope['event'];
  for (const name of ['properties', 'traits'] as const) {
    const shape = envelope[name];
    if (shape !== undefined) return { event, carried: { name, shape } };
  }
  return { event };
}

/**
 * Restores the event: fills the envelope's shape with the values of the raw query (without `?`). Parameters that the
 * shape does not name are the configured URL's own and are left alone; of a repeated one the last is the event's. What
 * the query lacks is left out (in an array: null). Throws QUERY_MALFORMED and LIMIT_EXCEEDED.
 */
export function openEnvelope(
  envelope: Envelope,
  query: string,
  limits: Limits = LIMITS,
): OpenedEnvelope {
  const { carried } = envelope;
  const event = { ...envelope.event };
  const collisions: string[] = [];
  if (carried !== undefined) {
    const texts = new Map(readParameters(query, limits).map(({ key, value }) => [key, value]));
    const value = fill(carried.shape, '', texts, collisions);
    if (value !== undefined) event[carried.name] = value;
  }
  checkLimits(event, limits);
  return { event, collisions };
}

// Recursive: readEnvelope lets nothing in that is deeper than the limit.
function fill(
  shape: JsonValue,
  key: string,
  texts: ReadonlyMap<string, string>,
  collisions: string[],
): JsonValue | undefined {
  if (typeof shape === 'string') return fillText(shape, key, texts, collisions);
  if (Array.isArray(shape)) {
    return shape.map(
      (item, index) => fill(item, flattenedKey(key, index), texts, collisions) ?? null,
    );
  }
  if (!isObject(shape)) return shape;
  const object: JsonObject = {};
  for (const [name, member] of Object.entries(shape)) {
    const value = fill(member, flattenedKey(key, name), texts, collisions);
    if (value !== undefined) object[name] = value;
  }
  return object;
}

function fillText(
  code: string,
  key: string,
  texts: ReadonlyMap<string, string>,
  collisions: string[],
): JsonValue | undefined {
  if (code.startsWith('=')) return code.slice(1);
  if (code !== 's' && code !== 'n') throw damaged('its shape holds an unknown code');
  const text = texts.get(key);
  if (text === undefined) {
    collisions.push(key);
    return undefined;
  }
  if (code === 's') return text;
  const number = parseNumber(text);
  if (number === undefined) collisions.push(key);
  return number ?? text;
}

function damaged(what: string): TrackbridgeError {
  const message = `the envelope is damaged: ${what}; a proxy may have cut it, let x-trackbridge-event headers pass`;
  return new TrackbridgeError('QUERY_MALFORMED', message);
}
