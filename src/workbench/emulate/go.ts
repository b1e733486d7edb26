import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';

// Go's standard library encodes values this way when they leave RudderStack's router (rudder-server,
// router/network.go). Numbers have been float64 since they left the transformer as JSON.

/** `fmt.Sprint` of a float64: with an exponent of two digits or more from 1e6 up and below 1e-4. */
function goNumber(value: number): string {
  if (value === 0) return '0';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  const digits = String(Math.abs(power)).padStart(2, '0');
  return `${mantissa}e${power < 0 ? '-' : '+'}${digits}`;
}

/** Returns a query value: null is `<nil>`, an empty container is `[]` or `{}`. */
export function goText(value: JsonValue): string {
  if (value === null) return '<nil>';
  if (typeof value === 'number') return goNumber(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `url.Values.Encode`: keys sorted by their bytes, values of one key in their given order. */
export function encodeValues(pairs: readonly (readonly [string, string])[]): string {
  const escaped = pairs.map(([key, value]) => ({ key: Buffer.from(key), value }));
  return escaped
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ key, value }) => `${escapeQuery(key)}=${escapeQuery(Buffer.from(value))}`)
    .join('&');
}

/** `url.QueryEscape`. */
function escapeQuery(bytes: Buffer): string {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9\-_.~]/.test(character)) text += character;
    else if (character === ' ') text += '+';
    else text += percent(byte);
  }
  return text;
}

/**
 * The path of a URL as `net/url` requests it (`URL.EscapedPath`): unchanged if all its characters are allowed there,
 * else decoded and escaped again. Unlike a browser it keeps `..` and escapes `|`, as in `auth0|1`.
 */
export function goPath(url: string): string {
  const path = /^[^:]*:\/\/[^/\\?#]*([^?#]*)/.exec(url)?.[1] ?? '';
  if (path === '') return '/';
  if (/^[\w\-.~!$&'()*+,;=:@[\]%/]*$/.test(path)) return path;
  return [...decodedBytes(path)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w\-.~$&+,/:;=@]/.test(character) ? character : percent(byte);
    })
    .join('');
}

function decodedBytes(path: string): Buffer {
  const escaped = path.replace(/%([0-9A-Fa-f]{2})|./gsu, (part, byte?: string) =>
    byte === undefined
      ? Buffer.from(part).toString('latin1')
      : String.fromCharCode(parseInt(byte, 16)),
  );
  return Buffer.from(escaped, 'latin1');
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** `encoding/json`: keys sorted by their bytes, no whitespace, HTML's special characters as `\u` escapes. */
export function goJson(value: JsonValue): string {
  return sortedJson(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sortedJson(value: JsonValue): string {
  if (typeof value === 'string') return goString(value);
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${sortedEntries(value)
    .map(([key, member]) => `${goString(key)}:${sortedJson(member)}`)
    .join(',')}}`;
}

// An unpaired surrogate is not a character in Go: it becomes U+FFFD, as it does in UTF-8.
function goString(text: string): string {
  return JSON.stringify(Buffer.from(text).toString());
}

function sortedEntries(object: JsonObject): [string, JsonValue][] {
  return Object.entries(object)
    .map(([key, value]) => ({
      bytes: Buffer.from(key),
      entry: [key, value] as [string, JsonValue],
    }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ entry }) => entry);
}

/** `textproto.CanonicalMIMEHeaderKey`: `x-api-key` is sent as `X-Api-Key`. */
export function canonicalHeaderName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
