import { isObject, type JsonObject, type JsonValue } from '../../src/core/json.js';

/** RudderStack's webhook destination and router, as far as a receiver can see them: an event in, an HTTP request out. */
export interface Destination {
  readonly webhookUrl: string;
  readonly webhookMethod: string;
  readonly headers?: readonly { readonly from: string; readonly to: string }[];
}

export interface WireRequest {
  readonly method: string;
  readonly requestUri: string;
  readonly rawHeaders: readonly (readonly [string, string])[];
  readonly body: string;
}

export function encodeDelivery(message: JsonObject, destination: Destination): WireRequest {
  const method = destination.webhookMethod;
  const inQuery = method === 'GET' || method === 'DELETE';
  const endpoint = new URL(
    `${text(message['fullPath']) || destination.webhookUrl}${text(message['appendPath'])}`,
  );
  const parameters = inQuery ? flatten(carriedOf(message) ?? null) : [];
  const query = encodeQuery(endpoint.search.slice(1), parameters);
  const body = inQuery ? '' : goJson(postBody(message));
  return {
    method,
    requestUri: endpoint.pathname + (query === '' ? '' : `?${query}`),
    rawHeaders: headerLines(message, destination, body),
    body,
  };
}

/** The JSON body of POST, PUT and PATCH. */
export function postBody(message: JsonObject): JsonObject {
  const unsent = ['fullPath', 'appendPath', 'header'];
  const body: JsonObject = Object.fromEntries(
    Object.entries(message).filter(([name, value]) => !unsent.includes(name) && value !== null),
  );
  const context = isObject(message['context']) ? message['context'] : {};
  const ip = context['ip'] ?? message['request_ip'];
  return ip ? { ...body, context: { ...context, ip } } : body;
}

// `undefined` where the event has no such member: that is dropped on the way, while null becomes `=<nil>`.
function carriedOf(message: JsonObject): JsonValue | undefined {
  if (message['type'] !== 'identify') return 'properties' in message ? message['properties'] : {};
  const isTaken = (value: JsonValue | undefined) =>
    Boolean(value) || value === false || value === 0;
  const context = message['context'];
  const candidates = [message['traits'], isObject(context) ? context['traits'] : undefined];
  return candidates.find(isTaken) ?? null;
}

/** Flattened keys and leaves; of two leaves with one key the later one stays. */
function flatten(root: JsonValue): [string, JsonValue][] {
  const leaves = new Map<string, JsonValue>();
  const visit = (value: JsonValue, path: string): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, `${path}[${index}]`);
      if (value.length === 0) leaves.set(path, value);
    } else if (isObject(value)) {
      const entries = Object.entries(value);
      for (const [name, member] of entries) visit(member, path === '' ? name : `${path}.${name}`);
      if (entries.length === 0 && path !== '') leaves.set(path, value);
    } else {
      leaves.set(path, value);
    }
  };
  visit(root, '');
  // The flat object is an ordinary one: a value under this very key becomes its prototype, or nothing.
  leaves.delete('__proto__');
  return [...leaves];
}

/** Go's url.Values: what the URL has comes first within a key, keys are sorted by their bytes. */
function encodeQuery(own: string, parameters: readonly [string, JsonValue][]): string {
  const values = new Map<string, string[]>();
  const add = (key: string, value: string) => values.set(key, [...(values.get(key) ?? []), value]);
  for (const [key, value] of new URLSearchParams(own)) add(key, value);
  for (const [key, value] of parameters) add(key, goText(value));
  return [...values.keys()]
    .sort(byBytes)
    .flatMap((key) => (values.get(key) ?? []).map((value) => `${goEscape(key)}=${goEscape(value)}`))
    .join('&');
}

function goEscape(value: string): string {
  let escaped = '';
  for (const byte of Buffer.from(value)) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9\-_.~]/.test(char)) escaped += char;
    else escaped += char === ' ' ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

function goText(value: JsonValue): string {
  if (value === null) return '<nil>';
  if (typeof value === 'number') return goNumber(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** %v of a float64, from its shortest digits. */
export function goNumber(value: number): string {
  if (value === 0) return '0';
  const sign = value < 0 ? '-' : '';
  const [mantissa = '', power = ''] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 6) {
    const padded = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${padded}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return sign + (fraction === '' ? whole : `${whole}.${fraction}`);
}

/** encoding/json: keys sorted, no blanks, what HTML minds escaped. */
function goJson(value: JsonValue): string {
  const sorted = (part: JsonValue): string => {
    if (Array.isArray(part)) return `[${part.map(sorted).join(',')}]`;
    if (!isObject(part)) return JSON.stringify(part);
    const members = Object.entries(part).sort(([a], [b]) => byBytes(a, b));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${sorted(member)}`).join(',')}}`;
  };
  return sorted(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function headerLines(
  message: JsonObject,
  destination: Destination,
  body: string,
): [string, string][] {
  const configured = (destination.headers ?? []).map(({ from, to }) => [from.toLowerCase(), to]);
  const lines = new Map<string, string>();
  const own = isObject(message['header']) ? Object.entries(message['header']) : [];
  for (const [name, value] of own) {
    lines.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  // In the order of the vectors; on the wire that of lines with one name is random.
  const standard = body === '' ? [] : [['content-type', 'application/json']];
  for (const [name = '', value = ''] of [...configured, ...standard]) {
    if (!lines.has(name)) lines.set(name, value);
  }
  const canonical = [...lines]
    .map(([name, value]): [string, string] => [
      canonicalName(name),
      value.replace(/^[ \t]+|[ \t]+$/g, ''),
    ])
    .sort(([a], [b]) => byBytes(a, b));
  const agent = canonical.find(([name]) => name === 'User-Agent')?.[1] ?? 'RudderLabs';
  return [
    ['User-Agent', agent],
    ...(body === ''
      ? []
      : [['Content-Length', String(Buffer.byteLength(body))] satisfies [string, string]]),
    ...canonical.filter(([name]) => name !== 'User-Agent'),
    ['Accept-Encoding', 'gzip'],
  ];
}

function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
