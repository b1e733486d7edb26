import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { decodeBody } from '../../src/decode/body.js';
import { openEnvelope } from '../../src/decode/envelope.js';
import { itemBytes } from '../../src/decode/json/items.js';
import { LIMITS } from '../../src/decode/limits.js';
import { decodeQuery } from '../../src/decode/query/parse.js';
import { toRawEvents, unwrapJsonMember } from '../../src/decode/unwrap.js';
import { toCanonical } from '../../src/event/canonical.js';
import { mergeBatch } from '../../src/sources/merge-batch.js';
import { decodeWebhook } from '../../src/sources/webhook-source/body.js';
import { factsOf } from '../event/facts.js';
import { deliveryOf } from '../sources/support.js';
import { labelled } from './labels.js';

/** Characters of the smaller input; the larger one has `TIMES` as many. */
const SMALL = 150_000;
const TIMES = 4;
/** What is quadratic takes 16 times as long for 4 times as much; what is linear takes 4, and the rest is for the collector. */
const MOST = 9;
/** Milliseconds that the clock of the CPU and the collector may add to either. */
const NOISE = 40;

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data; boundary=b';
const FILE = 'Content-Disposition: form-data; name="f"; filename="x"';

/** As many of `unit` as fit between the two ends. */
function filled(length: number, start: string, unit: string, end = ''): string {
  return start + unit.repeat(Math.floor((length - start.length - end.length) / unit.length)) + end;
}

function part(head: string, content = ''): string {
  return `--b\r\n${head}\r\n\r\n${content}\r\n`;
}

/** CPU time of the quickest of some runs, milliseconds; a refusal is an outcome like any other. */
function cpuOf(work: () => unknown): number {
  const runs = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage();
    try {
      work();
    } catch {
      // Refused.
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...runs);
}

function expectLinear(make: (length: number) => string, work: (text: string) => unknown): void {
  const [small, large] = [make(SMALL), make(SMALL * TIMES)];
  const least = cpuOf(() => work(small));
  const most = cpuOf(() => work(large));
  expect(most, `${Math.round(least)} ms became ${Math.round(most)} ms`).toBeLessThan(
    MOST * least + NOISE,
  );
}

const bodies: readonly (readonly [string, string | undefined, (length: number) => string])[] = [
  ['stray percent signs', FORM, (n) => filled(n, 'a=', '%')],
  ['escapes', FORM, (n) => filled(n, 'a=', '%C3%A9')],
  ['plus signs', FORM, (n) => filled(n, 'a=', '+')],
  ['empty fields', FORM, (n) => filled(n, 'a=1', '&')],
  ['fields of one name', FORM, (n) => filled(n, 'a=1', '&a')],
  ['brackets in a name', FORM, (n) => filled(n, 'a', '[', '=1')],
  ['levels in a name', FORM, (n) => filled(n, 'a', '[]', '=1')],
  ['long indexes', FORM, (n) => filled(n, '', `a[${'1'.repeat(5_000)}]=1&`)],
  ['JSON in a form', FORM, (n) => filled(n, 'a=[1', ',1', ']')],
  ['what is almost JSON in a form', FORM, (n) => filled(n, '', `a=[${'1,'.repeat(400)}&`)],
  ['open brackets', undefined, (n) => filled(n, '', '[')],
  ['empty arrays', undefined, (n) => filled(n, '[', '[],', '1]')],
  ['keys of one event', undefined, (n) => filled(n, '{', '"":1,', '"z":1}')],
  [
    'keys of many events',
    undefined,
    (n) => filled(n, '[', `{${'"":1,'.repeat(9_000)}"z":1},`, '1]'),
  ],
  ['escaped quotes', undefined, (n) => filled(n, '{"a":"', '\\"', '"}')],
  ['backslashes', undefined, (n) => filled(n, '{"a":"', '\\\\', '"}')],
  ['colons', undefined, (n) => filled(n, '[', ': ', ']')],
  ['a number of many digits', undefined, (n) => filled(n, '{"userId":', '1', '}')],
  [
    'ids of many digits',
    undefined,
    (n) => filled(n, '{"batch":[', '{"userId":12345678901234567},', '1]}'),
  ],
  [
    'an id of many numbers',
    undefined,
    (n) => filled(n, '{"userId":[', '12345678901234567,', '1]}'),
  ],
  [
    'prototype keys',
    undefined,
    (n) => filled(n, '[', `{"p":[${'{"__proto__":1},'.repeat(90)}1]},`, '1]'),
  ],
  ['one text of XML', undefined, (n) => filled(n, '<r><a>', 'x', '</a></r>')],
  ['references', undefined, (n) => filled(n, '<r><a>', '&amp;', '</a></r>')],
  ['closing angles', undefined, (n) => filled(n, '<r><a>', '>', '</a></r>')],
  ['comments', undefined, (n) => filled(n, '<r>', '<!---->', '</r>')],
  ['CDATA', undefined, (n) => filled(n, '<r><a>', '<![CDATA[]]>', '</a></r>')],
  ['one CDATA of brackets', undefined, (n) => filled(n, '<r><a><![CDATA[', ']', ']]></a></r>')],
  ['an attribute', undefined, (n) => filled(n, '<r a="', ' ', '"/>')],
  ['spaces in a tag', undefined, (n) => filled(n, '<r', ' ', '/>')],
  ['a name of XML', undefined, (n) => filled(n, '<r><', 'a', '/></r>')],
  ['files of one name', MULTIPART, (n) => `${filled(n, '', part(FILE))}--b--`],
  ['line ends in a file', MULTIPART, (n) => `${part(FILE, '\r\n'.repeat(n / 2))}--b--`],
  ['almost boundaries', MULTIPART, (n) => `${part(FILE, '\r\n--bx'.repeat(n / 6))}--b--`],
  ['long heads', MULTIPART, (n) => `${filled(n, '', part(`a: ${'x'.repeat(16_000)}`))}--b--`],
  [
    'quotes in heads',
    MULTIPART,
    (n) =>
      `${filled(n, '', part(`Content-Disposition: form-data;${'name="\\";'.repeat(1_700)}`))}--b--`,
  ],
];

describe('a body of four times the size takes about four times the CPU time', () => {
  it.each(bodies)('full of %s', (_, label, make) => {
    expectLinear(make, (text) => {
      const { events } = toRawEvents(
        decodeBody(Buffer.from(text), labelled(label), LIMITS),
        LIMITS,
      );
      return events.map((event) => unwrapJsonMember(event, LIMITS));
    });
  });

  it.each([
    ['fields of one name', FORM, (n: number) => filled(n, 'a=1', '&a')],
    ['files of one name', MULTIPART, (n: number) => `${filled(n, '', part(FILE))}--b--`],
    ['characters of code 0', undefined, (n: number) => filled(n, '{', '\0', '}')],
    ['escaped characters of code 0', undefined, (n: number) => filled(n, '["', '\\u0000', '"]')],
  ] as const)('also as a webhook, full of %s', (_, label, make) => {
    const headers = label === undefined ? [] : ([['Content-Type', label]] as const);
    expectLinear(make, (body) => decodeWebhook(deliveryOf({ body, headers })));
  });

  it.each([
    ['dots', (n: number) => filled(n, 'a', '.', '=1')],
    ['brackets', (n: number) => filled(n, 'a', '[', '=1')],
    ['brackets with dots', (n: number) => filled(n, 'a', '[.', '=1')],
    ['indexes', (n: number) => filled(n, 'a', '[0]', '=1')],
    ['parameters', (n: number) => filled(n, 'a=1', '&a=1')],
    ['missing elements', (n: number) => filled(n, '', 'a[999]=1&')],
  ] as const)('also as a query, full of %s', (_, make) => {
    expectLinear(make, (query) => decodeQuery(query, { types: 'infer', limits: LIMITS }));
  });
});

describe('what comes behind decoding', () => {
  it('merges what stands beside a batch in time for its events', () => {
    const envelope = { context: { app: { name: 'x'.repeat(100) } }, sentAt: 'now' };
    expectLinear(
      (n) => String(n / 100),
      (count) => mergeBatch(Array<JsonValue>(Number(count)).fill({ type: 'track' }), envelope),
    );
  });

  it('measures the events of a batch in one pass', () => {
    expectLinear((n) => filled(n, '[', '{"a":"b"},', '1]'), itemBytes);
  });

  it('makes an event canonical in time for its fields', () => {
    const eventOf = (count: number): JsonObject =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`field${index}`, 'x']));
    const events = new Map([2_500, 10_000].map((count) => [String(count), eventOf(count)]));
    expectLinear(
      (n) => String(n / 100),
      (count) => toCanonical({ type: 'track', ...events.get(count) }, factsOf()),
    );
  });

  it.each([
    ['a timestamp', 'timestamp', '2016-12-31T23:59:59.', '1'],
    ['a zone', 'timestamp', '2016-12-31 23:59:59 +0000 ', 'A'],
    ['spaces behind a day', 'sentAt', '31 Dec 2016', ' '],
    ['what is invisible', 'messageId', 'a', '\u200b '],
  ])('reads %s of any length', (_, field, start, unit) => {
    expectLinear(
      (n) => filled(n, start, unit),
      (text) => toCanonical({ type: 'track', [field]: text }, factsOf()),
    );
  });

  it('fills an envelope whose names share a long beginning without copying it for each', () => {
    const shapeOf = (count: number): JsonObject => ({
      ['x'.repeat(50_000)]: Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`n${index}`, 's']),
      ),
    });
    const shapes = new Map([250, 1_000].map((count) => [String(count), shapeOf(count)]));
    expectLinear(
      (n) => String(n / 1_000),
      (count) =>
        openEnvelope(
          { event: {}, carried: { name: 'properties', shape: shapes.get(count) ?? {} } },
          `${'x'.repeat(50_000)}=1`,
        ),
    );
  });
});

it('decoding 8 MB of signs costs about as much as hashing them a few times', async () => {
  const { createHash } = await import('node:crypto');
  const hashed = cpuOf(() => createHash('sha1').update(Buffer.alloc(8_000_000)).digest());
  for (const [label, text] of [
    [FORM, filled(8_000_000, 'a=', '%')],
    [FORM, filled(8_000_000, 'a=', '+')],
    [undefined, filled(8_000_000, '<r><a>', 'x', '</a></r>')],
    [MULTIPART, `${part(FILE, '\r\n'.repeat(4_000_000))}--b--`],
  ] as const) {
    const body = Buffer.from(text);
    // They took 130 to 400 times as long as a hash; now 1 to 8 times.
    expect(cpuOf(() => decodeBody(body, labelled(label), LIMITS))).toBeLessThan(40 * hashed);
  }
});
