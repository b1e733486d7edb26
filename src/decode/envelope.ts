import { TrackbridgeError } from '../core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import { expand } from './envelope-fragments.js';
import { quoteLongIds } from './json/exact-ids.js';
import { LIMITS, type Limits } from './limits.js';
import { flattenedKey } from './query/keys.js';
import { readParameters } from './query/parameters.js';
import { parseNumber } from './query/values.js';
import { checkLimits, dropPrototypeKeys } from './sanitize.js';

/**
 * The envelope that `transformation.js` adds to a GET or DELETE delivery: the event without the values that the query
 * carries.
 */
export interface Envelope {
  readonly event: JsonObject;
  /** The member that the query carries, and the shape to fill with its values; absent if it carries nothing. */
  readonly carried?: {
    readonly name: 'properties' | 'traits';
    readonly shape: JsonValue;
    /** Whether `context.traits` has the same value. */
    readonly isCopied?: true;
  };
}

export interface OpenedEnvelope {
  /** The event as a POST delivery would have carried it. */
  readonly event: JsonObject;
  /** Keys of the envelope that the query lacks or holds with another type, in the event's order. */
  readonly collisions: string[];
}

// How far an envelope's keys may exceed the query's length: proxies drop parameters.
const KEYS_A_QUERY = 4;
const SPARE = 1_000_000;

const HEADER = 'x-trackbridge-event';
const FRAME = /^([1-9][0-9]{0,3})\/([1-9][0-9]{0,3});(.*);$/s;

/**
 * Assembles the envelope from the delivery's headers; `header` returns the first value of a name in lower case.
 * Undefined if there is none. Throws QUERY_MALFORMED if the envelope is damaged or of another version, LIMIT_EXCEEDED
 * if it is nested deeper than a body may be.
 */
export function readEnvelope(
  header: (name: string) => string | undefined,
  limits: Limits = LIMITS,
): Envelope | undefined {
  const text = joinedText(header);
  if (text === undefined) return undefined;
  // Earlier versions of the transformation wrote plain JSON.
  if (!text.startsWith('2')) return parseEnvelope(text, limits);
  const expanded = expand(text.slice(1));
  if (expanded === undefined) throw damaged('it contains an unknown code, or is too long');
  return parseEnvelope(expanded, limits);
}

function joinedText(header: (name: string) => string | undefined): string | undefined {
  const first = header(HEADER) ?? header(`${HEADER}-1`);
  if (first === undefined) {
    // Without this check, a proxy that dropped the first header would turn every event into an anonymous track.
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
      throw damaged(`header ${index} was changed on the way`);
    }
    parts.push(part);
  }
  return parts.join('');
}

function parseEnvelope(text: string, limits: Limits): Envelope {
  let parsed: JsonValue;
  try {
    parsed = JSON.parse(quoteLongIds(text, 'envelope')) as JsonValue;
  } catch {
    // No cause is attached: V8's message quotes the text, which is payload, and causes are logged.
    throw damaged('it is not JSON');
  }
  // The event is one level deeper here than in a body, and the envelope adds its own keys.
  checkLimits(parsed, { ...limits, depth: limits.depth + 1, keys: limits.keys + 4 });
  const envelope = dropPrototypeKeys(parsed);
  if (!isObject(envelope) || !isObject(envelope['event'])) throw damaged('it contains no event');
  if (envelope['v'] !== 1) {
    const detail = 'print the transformation with this version of Trackbridge and paste it again';
    throw new TrackbridgeError('QUERY_MALFORMED', `unknown version of the envelope; ${detail}`);
  }
  const event = envelope['event'];
  for (const name of ['properties', 'traits'] as const) {
    const shape = envelope[name];
    if (shape === undefined) continue;
    const isCopied = name === 'traits' && envelope['copy'] === 1;
    return { event, carried: { name, shape, ...(isCopied && { isCopied }) } };
  }
  return { event };
}

/**
 * Restores the event by filling the envelope's shape with the values of the raw query (without `?`). Parameters that
 * the shape does not name belong to the configured URL and are ignored; of a repeated parameter the last is the
 * event's. Members missing from the query are omitted (in an array: null). Throws QUERY_MALFORMED and LIMIT_EXCEEDED.
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
    const value = fill(carried.shape, '', new Texts(query, limits), collisions);
    if (value !== undefined) {
      event[carried.name] = value;
      const { context } = event;
      if (carried.isCopied && isObject(context)) event['context'] = { ...context, traits: value };
    }
  }
  checkLimits(event, limits);
  return { event, collisions };
}

/** The texts of a query, by key. */
class Texts {
  readonly #texts: ReadonlyMap<string, string>;
  #left: number;

  constructor(query: string, limits: Limits) {
    this.#texts = new Map(readParameters(query, limits).map(({ key, value }) => [key, value]));
    this.#left = SPARE + KEYS_A_QUERY * query.length;
  }

  /**
   * Throws QUERY_MALFORMED if the requested keys are together far longer than the query: a short envelope can name a
   * thousand keys that all begin with a name of 250 kB.
   */
  get(key: string): string | undefined {
    this.#left -= key.length;
    if (this.#left < 0) throw damaged('its keys are longer than the query can be');
    return this.#texts.get(key);
  }
}

// Recursion is safe: readEnvelope rejects envelopes deeper than the limit.
function fill(
  shape: JsonValue,
  key: string,
  texts: Texts,
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
  texts: Texts,
  collisions: string[],
): JsonValue | undefined {
  if (code.startsWith('=')) return code.slice(1);
  if (code !== 's' && code !== 'n') throw damaged('its shape contains an unknown code');
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
