/**
 * Trackbridge: a RudderStack user transformation.
 *
 * With GET and DELETE a webhook destination sends only an event's properties (or an identify's traits), as texts of a
 * query; the event's type, name, identifiers, context and the types of all values are lost. This transformation adds
 * what is lost to every event as request headers, the "envelope", from which Trackbridge restores the event. It changes
 * nothing else, and with POST, PUT and PATCH it does no harm.
 *
 * It needs nothing but the language: RudderStack runs it in a bare V8 isolate.
 */

const HEADER = 'x-trackbridge-event';
const OUR_HEADERS = /^x-trackbridge-event(-\d+)?$/i;

// Some proxies refuse a header line over 4,096 bytes; the rest is for the header's name and the framing.
const TEXT_PER_HEADER = 4000;

// Common parts of events, which are written as `~` and one character, and the most common, which are one character.
// Trackbridge has the same lists.
const FRAGMENTS = [
  '~',
  '^',
  '`',
  '|',
  '{"v":1,"event":{',
  '"context":{"',
  '","originalTimestamp":"',
  '","sentAt":"',
  '","receivedAt":"',
  '","timestamp":"',
  '"messageId":"',
  '"anonymousId":"',
  '"userId":"',
  '},"properties":{"',
  '},"traits":{"',
  '"integrations":{"All":true}',
  '"library":{"name":"',
  'RudderLabs JavaScript SDK","version":"',
  '"app":{"name":"',
  'RudderLabs JavaScript SDK","namespace":"com.rudderlabs.javascript","version":"',
  '"userAgent":"Mozilla/5.0 (',
  ') AppleWebKit/537.36 (KHTML, like Gecko) ',
  ') AppleWebKit/605.1.15 (KHTML, like Gecko) ',
  ' Safari/',
  'Chrome/',
  'Version/',
  ' Mobile/',
  'Macintosh; Intel Mac OS X 10_15_7',
  'Windows NT 10.0; Win64; x64',
  'iPhone; CPU iPhone OS ',
  'Linux; Android ',
  '"os":{"name":"',
  '"screen":{"width":',
  ',"height":',
  ',"density":',
  ',"innerWidth":',
  ',"innerHeight":',
  '"campaign":{',
  '"page":{"',
  'path":"/',
  'referrer":"',
  'referring_domain":"',
  'search":"',
  'title":"',
  'url":"https://',
  'initial_referrer":"',
  'initial_referring_domain":"',
  '"timezone":"GMT',
  '"locale":"',
  '"sessionId":',
  '"sessionStart":true',
  '"channel":"web',
  '"channel":"mobile',
  '"channel":"s',
  '"type":"track","event":"',
  '"type":"identify"',
  '"type":"',
  '"request_ip":"',
  '"rudderId":"',
  '"device":{"',
  '"manufacturer":"',
  '"model":"',
  '"network":{"',
  '"version":"',
  '"name":"',
  '"ip":"',
  'https://',
  '.com/',
  'utm_',
  '":"s","',
  '":"n","',
  '":[{"',
  '"},{"',
  '":{"',
  '"},"',
  '},"',
  ',"',
  '":',
  'true',
  'false',
  'null',
  '000Z',
  '"$direct"',
  '$direct',
];
/** @type {Record<string, string>} */
const SHORT = { '^': '","', '`': '":"', '|': '\\u' };
const FIRST_CODE = 33;

/**
 * @param {Record<string, unknown>} event the event; it is not changed
 * @param {unknown} [_metadata] RudderStack passes a function here; not needed
 * @returns the event with the envelope in its headers, or as it was where no envelope can be made of it
 */
export function transformEvent(event, _metadata) {
  try {
    // What RudderStack itself will make of the event on its way out: plain JSON, without `undefined`, with no getters.
    const plain = JSON.parse(JSON.stringify(event));
    if (plain === null || typeof plain !== 'object' || Array.isArray(plain)) return event;
    const text = `2${compact(asciiOf(JSON.stringify(envelopeOf(plain))))}`;
    return { ...event, header: { ...otherHeadersOf(event.header), ...headersOf(text) } };
  } catch {
    return event;
  }
}

/**
 * `event` is the message as a POST would have it, without the part that the query carries; the shape of that part is
 * under its own name, `properties` or `traits`.
 *
 * @param {Record<string, unknown>} message
 */
function envelopeOf(message) {
  // The exact spelling decides at RudderStack too: `Identify` sends its properties.
  const carried = message.type === 'identify' ? 'traits' : 'properties';
  /** @type {Record<string, unknown>} */
  const event = {};
  /** @type {Record<string, unknown>} */
  const envelope = { v: 1, event };
  for (const [name, value] of Object.entries(message)) {
    if (['fullPath', 'appendPath', 'header', '__proto__'].includes(name) || value === null)
      continue;
    if (name === carried && typeof value === 'object') envelope[name] = shapeOf(value);
    else event[name] = value;
  }
  return carried === 'traits' ? withoutCopy(envelope, message) : envelope;
}

/**
 * RudderStack's SDKs send an identify's traits in `context` as well: `copy` stands for them.
 *
 * @param {Record<string, any>} envelope
 * @param {Record<string, any>} message
 */
function withoutCopy(envelope, message) {
  const { context } = message;
  if (envelope.traits === undefined || context === null || typeof context !== 'object')
    return envelope;
  if (JSON.stringify(context.traits) !== JSON.stringify(message.traits)) return envelope;
  const { traits: _, ...rest } = context;
  const { traits, ...others } = envelope;
  return { ...others, event: { ...envelope.event, context: rest }, copy: 1, traits };
}

/**
 * A value whose texts are replaced by how to get them: 's' a string of the query, 'n' a number of the query, '=...' this
 * very text. Everything else stands for itself.
 *
 * The query is keyed by the flattened names of its values. Where two values flatten to one name (`{"a.b": 1, "a": {"b":
 * 2}}`), or a name is empty, the query cannot be relied on and the shape holds the value itself.
 *
 * @param {unknown} root
 */
function shapeOf(root) {
  /** @type {Map<string, number>} */
  const uses = new Map();
  /** @type {(value: unknown, key: string) => void} */
  const count = (value, key) => {
    const children = childrenOf(value, key);
    if (children.length === 0) uses.set(key, (uses.get(key) ?? 0) + 1);
    for (const child of children) count(child.value, child.key);
  };
  count(root, '');

  /** @type {(value: unknown, key: string, named: boolean) => unknown} */
  const shape = (value, key, named) => {
    const onWire = named && uses.get(key) === 1;
    if (typeof value === 'string') return onWire ? 's' : `=${value}`;
    if (typeof value === 'number') return onWire ? 'n' : value;
    if (typeof value !== 'object' || value === null) return value;
    const entries = childrenOf(value, key).map((child) => [
      child.name,
      shape(child.value, child.key, named && child.name !== ''),
    ]);
    return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
  };
  return shape(root, '', true);
}

/**
 * The members or elements of a value, each with its flattened name, joined as RudderStack joins them.
 *
 * @param {unknown} value
 * @param {string} key
 * @returns {{ name: string | number, key: string, value: unknown }[]}
 */
function childrenOf(value, key) {
  if (Array.isArray(value)) {
    return value.map((child, index) => ({ name: index, key: `${key}[${index}]`, value: child }));
  }
  if (typeof value !== 'object' || value === null) return [];
  const prefix = key === '' ? '' : `${key}.`;
  return Object.entries(value).map(([name, child]) => ({ name, key: prefix + name, value: child }));
}

/**
 * One header, or as many numbered ones as it takes. Each says which one of how many it is, so that a missing one is
 * noticed, and ends in `;`, so that no blank at its end is trimmed on the way.
 *
 * @param {string} text
 * @returns {Record<string, string>}
 */
function headersOf(text) {
  const count = Math.ceil(text.length / TEXT_PER_HEADER);
  /** @type {Record<string, string>} */
  const headers = {};
  for (let index = 1; index <= count; index++) {
    const part = text.slice((index - 1) * TEXT_PER_HEADER, index * TEXT_PER_HEADER);
    headers[count === 1 ? HEADER : `${HEADER}-${index}`] = `${index}/${count};${part};`;
  }
  return headers;
}

/**
 * The headers that the event asks for itself. An envelope that came with the event is not from here, and goes.
 *
 * @param {unknown} headers
 */
function otherHeadersOf(headers) {
  if (typeof headers !== 'object' || headers === null) return {};
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OUR_HEADERS.test(name)));
}

/**
 * The text with its common parts replaced by their codes.
 *
 * @param {string} text
 */
function compact(text) {
  /** @type {Map<string, string>} */
  const codes = new Map(
    FRAGMENTS.map((part, index) => [part, `~${String.fromCharCode(FIRST_CODE + index)}`]),
  );
  for (const [code, part] of Object.entries(SHORT)) codes.set(part, code);
  const longest = [...codes.keys()].sort((a, b) => b.length - a.length);
  const any = new RegExp(
    longest.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'),
    'g',
  );
  return text.replace(any, (part) => codes.get(part) ?? part);
}

/**
 * JSON text in printable ASCII: all that every HTTP client, proxy and server lets pass unchanged.
 *
 * @param {string} json
 */
function asciiOf(json) {
  return json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
