import { isUtf8 } from 'node:buffer';
import { isObject, type JsonValue } from '../../core/json.js';
import { type JsonTree, readJson } from '../explain/json/tree.js';
import { isRedacted, pathsBelow, pathsOf, pathsOfData, REDACTED, redactAt } from './redact.js';

/** Removes the values that `admin.redact` names from events, bodies and queries. */
export interface Redaction {
  /** Whether there is anything to redact. */
  readonly active: boolean;
  /** A decoded or canonical event. */
  event(value: JsonValue): JsonValue;
  /**
   * Redacts a body. Returns the same bytes if there is nothing to redact. A body that cannot be examined (XML,
   * multipart, broken JSON, over 1 MB) becomes `[redacted]` as a whole.
   */
  body(body: Buffer, contentType: string | undefined): Buffer;
  /** A query without `?`, or the body of a form. */
  query(query: string): string;
  /** Whether the value at this pointer of an event is redacted. */
  hides(pointer: string): boolean;
}

/** Larger bodies are not examined, which would delay deliveries. */
const LARGEST = 1024 * 1024;

/** `bare`: bodies are an event's properties instead of an event, as with a webhook source. */
export function createRedaction(dotted: readonly string[], bare: boolean): Redaction {
  const whole = pathsOf(dotted);
  const data = pathsOfData(whole);
  // What a webhook source records of the request holds the same values once more.
  const request = bare
    ? data.flatMap((path) => [
        ['context', 'query_parameters', ...path],
        ['context', 'url'],
      ])
    : [];
  const inEvent = [...whole, ...request];
  const inBody = bare ? [...inEvent, ...data] : inEvent;

  const redactBody = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(redactBody);
    if (!isObject(value)) return value;
    const shown = redactAt(value, inBody);
    if (!isObject(shown)) return shown;
    // Events stand below these: a batch, and the extensible webhook's wrapper.
    const inside = ['batch', 'json'].filter((key) => typeof shown[key] === 'object');
    return inside.length === 0
      ? shown
      : {
          ...shown,
          ...Object.fromEntries(inside.map((key) => [key, redactBody(shown[key] ?? null)])),
        };
  };

  const redactQuery = (query: string): string => {
    const pairs = query.split('&').map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 0) return pair;
      const name = pair.slice(0, equals);
      const value = redactValue(decodeForm(name), pair.slice(equals + 1));
      return `${name}=${value}`;
    });
    return pairs.join('&');
  };

  const redactValue = (name: string, sent: string): string => {
    const steps = name.split(/[.[\]]+/).filter((step) => step !== '');
    // RudderStack sends only the data in a query; a form may hold the event.
    const paths = [...inBody, ...data];
    if (isRedacted(steps, paths)) return REDACTED;
    const text = decodeForm(sent);
    // A pixel carries the event as the base64 of its JSON.
    if (/^\s*[[{]/.test(Buffer.from(text, 'base64').toString('utf8'))) return REDACTED;
    if (!/^\s*[[{]/.test(text)) return sent;
    const parsed = parse(text);
    if (parsed === undefined) return REDACTED;
    const shown = JSON.stringify(redactBody(redactAt(parsed.value, pathsBelow(steps, paths))));
    return shown === parsed.written ? sent : encodeURIComponent(shown);
  };

  return {
    active: dotted.length > 0,
    event: (value) => redactAt(value, inEvent),
    query: (query) => (dotted.length === 0 || query === '' ? query : redactQuery(query)),
    hides: (pointer) => isRedacted(pointer.split('/').slice(1), inEvent),
    body(body, contentType = '') {
      if (dotted.length === 0 || body.length === 0) return body;
      if (body.length > LARGEST || !isUtf8(body)) return Buffer.from(REDACTED);
      const text = body.toString('utf8').replace(/^\ufeff/, '');
      const parsed = parse(text);
      if (parsed === undefined) {
        const isForm = /^\s*application\/x-www-form-urlencoded/i.test(contentType);
        return Buffer.from(isForm && !/^\s*[[{]/.test(text) ? redactQuery(text) : REDACTED);
      }
      const shown = JSON.stringify(redactBody(parsed.value));
      return shown === parsed.written ? body : Buffer.from(shown);
    },
  };
}

interface Parsed {
  readonly value: JsonValue;
  /** As JSON without what `JSON.parse` loses; '' where that is a member, which would be shown then. */
  readonly written: string;
}

/** Undefined where it is no JSON, or nests so deeply that nothing here should follow it. */
function parse(text: string): Parsed | undefined {
  try {
    const tree = readJson(text);
    if (tree === undefined) return undefined;
    const value = JSON.parse(text) as JsonValue;
    return { value, written: repeats(tree) ? '' : JSON.stringify(value) };
  } catch {
    return undefined;
  }
}

function repeats(tree: JsonTree): boolean {
  if (tree.kind === 'array') return tree.items.some(repeats);
  if (tree.kind !== 'object') return false;
  const keys = new Set(tree.members.map(([key]) => key));
  return keys.size < tree.members.length || tree.members.some(([, member]) => repeats(member));
}

function decodeForm(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
