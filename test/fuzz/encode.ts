import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { isObject, type JsonValue } from '../../src/core/json.js';
import type { Random } from './random.js';

/** A body in one of the forms that are taken, and the headers that say which. */
export interface Encoded {
  readonly body: Buffer;
  readonly headers: readonly (readonly [string, string])[];
}

const JSON_LABELS = [
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'application/cloudevents+json',
  '',
];

/** A value as a JSON, form, XML or multipart body. Text that is not JSON any more goes out as it stands. */
export function encodeBody(json: string, random: Random): Encoded {
  const form = random.below(10);
  const value = form < 6 ? undefined : parsed(json);
  if (!isObject(value)) {
    const label = random.pick(JSON_LABELS);
    return { body: Buffer.from(json), headers: label === '' ? [] : [['Content-Type', label]] };
  }
  if (form === 6 || form === 7) {
    const type = random.chance(0.8) ? 'application/x-www-form-urlencoded' : 'text/plain';
    return {
      body: Buffer.from(pairsOf(value, '[', ']').join('&')),
      headers: [['Content-Type', type]],
    };
  }
  if (form === 8) {
    return {
      body: Buffer.from(`<?xml version="1.0"?>${xmlOf('root', value, random)}`),
      headers: [['Content-Type', random.pick(['application/xml', 'text/xml', 'text/plain'])]],
    };
  }
  const parts = Object.entries(value).map(
    ([name, member]) =>
      `--b\r\nContent-Disposition: form-data; name="${name}"${random.chance(0.1) ? '; filename="a"' : ''}\r\n\r\n${textOf(member)}\r\n`,
  );
  return {
    body: Buffer.from(`${parts.join('')}--b--\r\n`),
    headers: [['Content-Type', 'multipart/form-data; boundary=b']],
  };
}

/** A query as RudderStack's router writes it, of the value's members. */
export function encodeQuery(json: string): string {
  return pairsOf(parsed(json) ?? {}, '.', '').join('&');
}

// More than the limit in a few hundred bytes.
const BOMB = gzipSync(Buffer.alloc(1_000_000));
const CODINGS: readonly (readonly [string, (body: Buffer) => Buffer])[] = [
  ['gzip', (body) => gzipSync(body, { level: 1 })],
  ['deflate', (body) => deflateSync(body, { level: 1 })],
  ['deflate', (body) => deflateRawSync(body, { level: 1 })],
  ['br', (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } })],
  ['gzip', (body) => gzipSync(gzipSync(body))],
  ['gzip, gzip', (body) => gzipSync(gzipSync(body))],
  ['gzip', (body) => Buffer.concat([gzipSync(body), gzipSync(' ')])],
  ['gzip', () => BOMB],
  ['gzip', (body) => gzipSync(body).subarray(0, -3)],
  ['br', (body) => body],
];

/** The body under a content coding, some of them lies. */
export function compress({ body, headers }: Encoded, random: Random): Encoded {
  const [coding, run] = random.pick(CODINGS);
  return { body: run(body), headers: [...headers, ['Content-Encoding', coding]] };
}

function parsed(json: string): JsonValue | undefined {
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    return undefined;
  }
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function pairsOf(value: JsonValue, open: string, close: string, key = '', depth = 0): string[] {
  if (typeof value !== 'object' || value === null || depth > 8) {
    return [`${escaped(key)}=${escaped(value === null ? '<nil>' : textOf(value))}`];
  }
  return Object.entries(value).flatMap(([name, member]) => {
    const below = Array.isArray(value) ? `${key}[${name}]` : `${key}${open}${name}${close}`;
    return pairsOf(member, open, close, key === '' ? name : below, depth + 1);
  });
}

function escaped(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString()).replaceAll('%20', '+');
}

function xmlOf(name: string, value: JsonValue, random: Random, depth = 0): string {
  const tag = /^[A-Za-z_][\w.-]*$/.test(name) || random.chance(0.2) ? name : 'x';
  if (typeof value !== 'object' || value === null || depth > 50) {
    const text = textOf(value);
    return `<${tag}>${random.chance(0.9) ? text.replaceAll('&', '&amp;').replaceAll('<', '&lt;') : text}</${tag}>`;
  }
  if (Array.isArray(value))
    return value.map((item) => xmlOf(tag, item, random, depth + 1)).join('');
  const members = Object.entries(value).map(([each, member]) =>
    xmlOf(each, member, random, depth + 1),
  );
  return `<${tag}>${members.join('')}</${tag}>`;
}
