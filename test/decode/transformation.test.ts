import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject, type JsonValue } from '../../src/core/json.js';
import { openEnvelope, readEnvelope } from '../../src/decode/envelope.js';
import { expand, FRAGMENTS } from '../../src/decode/envelope-fragments.js';
import { dropPrototypeKeys } from '../../src/decode/sanitize.js';
import { transformEvent } from '../../src/decode/transformation.js';
import {
  type Destination,
  encodeDelivery,
  postBody,
  type WireRequest,
} from './rudderstack-encoder.js';
import { queryOf, wireCases } from './wire-cases.js';

const hook: Destination = {
  webhookUrl: 'https://example.com/hook?src=rudder&a=1&%5B0%5D=2&=x',
  webhookMethod: 'GET',
};

/** Through RudderStack with the transformation, over the wire, and out again. */
function roundTrip(event: JsonObject, destination: Destination = hook) {
  return restore(encodeDelivery(transformEvent(event) as JsonObject, destination));
}

function restore(request: WireRequest) {
  const headers = new Map(request.rawHeaders.map(([name, value]) => [name.toLowerCase(), value]));
  const envelope = readEnvelope((name) => headers.get(name));
  if (envelope === undefined) throw new Error('no envelope arrived');
  return openEnvelope(envelope, queryOf(request));
}

/** The JSON text of an envelope. */
function jsonOf(event: unknown): string {
  const lines = Object.values(headerOf(event)).map(
    (value) => /^\d+\/\d+;(.*);$/s.exec(value)?.[1] ?? '',
  );
  return expand(lines.join('').slice(1)) ?? '';
}

function headerOf(event: unknown): Record<string, string> {
  return (event as { header: Record<string, string> }).header;
}

// Names and texts that the flattening, the query, the headers or the shape could stumble over.
const nasty = fc.constantFrom(
  ...[
    '',
    'a',
    'b',
    'a.b',
    'a[0]',
    '[0]',
    '.',
    'a.',
    '.a',
    '..',
    'x]',
    '"',
    "'",
    ' ',
    ' a ',
    ';',
    '=',
  ],
  ...[
    's',
    'n',
    '=s',
    '\u2028',
    '\0',
    '\n',
    '\r\n',
    '😀',
    'é',
    '<nil>',
    'true',
    '60',
    '1e+06',
    '[]',
    '{}',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'traits',
    'length',
    '%',
    '%zz',
    '&',
    '+',
  ],
);
const text = fc.oneof(nasty, fc.string({ unit: 'grapheme' }));
const number = fc.oneof(
  fc.constantFrom(0, -0, 1e21, 1e6, 999_999, 5e-324, 1e-4, 1e-5, -1e6, 2 ** 53, Number.MAX_VALUE),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);
const { value: json } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(text, tie('value')), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries) as JsonObject),
  ),
}));
const members = fc
  .array(fc.tuple(text, json), { maxLength: 5 })
  .map((entries) => Object.fromEntries(entries) as JsonObject);
const data = fc.oneof({ weight: 4, arbitrary: members }, json);
const event = fc.record(
  {
    type: fc.constantFrom(
      'track',
      'identify',
      'Identify',
      'page',
      'screen',
      'group',
      'alias',
      'record',
    ),
    messageId: text,
    userId: fc.oneof(text, number, fc.constant(null)),
    event: text,
    name: text,
    properties: data,
    traits: data,
    context: fc.oneof(fc.record({ traits: data }, { requiredKeys: [] }), members),
    integrations: members,
    header: fc.oneof(fc.constant({ 'X-A': 1 }), fc.constant('odd'), fc.constant(null)),
    appendPath: fc.constantFrom('/p', '&q=2&a=3'),
    extra: json,
  },
  { requiredKeys: [] },
);

/** Trackbridge drops these keys of a body too, and JSON has no negative zero. */
function bodyOf(sent: JsonObject): JsonValue {
  return dropPrototypeKeys(JSON.parse(JSON.stringify(postBody(sent))) as JsonValue);
}

describe('a GET or DELETE delivery with the envelope', () => {
  it('holds for any event what a POST delivery would hold', () => {
    fc.assert(
      fc.property(event, (sent) => {
        const held = sent as JsonObject;
        expect(roundTrip(held)).toEqual({ event: bodyOf(held), collisions: [] });
      }),
      { numRuns: 3000 },
    );
  });

  const cases = wireCases().filter(({ delivery }) => delivery.body === '');
  it.each(cases)('holds for the vectors what a POST would hold: $name', (wireCase) => {
    const { request_ip: _, ...sent } = wireCase.event;
    const restored = roundTrip(sent, wireCase.destinationConfig);
    expect(restored).toEqual({ event: bodyOf(sent), collisions: [] });
  });

  it.each(wireCases())('has the same query as without it: $name', (wireCase) => {
    const with_ = encodeDelivery(
      transformEvent(wireCase.event) as JsonObject,
      wireCase.destinationConfig,
    );
    expect(with_.requestUri).toBe(wireCase.delivery.requestUri);
    expect(with_.body).toBe(wireCase.delivery.body);
  });

  it('restores an event of 300 kB over many headers', () => {
    const list = Array.from({ length: 3000 }, (_, index) => ({ name: `é${index}`, index }));
    const sent = { type: 'group', groupId: 'g', traits: { list } };
    const header = headerOf(transformEvent(sent));
    expect(Object.keys(header).length).toBeGreaterThan(10);
    expect(roundTrip(sent)).toEqual({ event: sent, collisions: [] });
  });
});

/** What RudderStack's browser SDK sends with every event. */
const context = {
  app: {
    name: 'RudderLabs JavaScript SDK',
    namespace: 'com.rudderlabs.javascript',
    version: '3.7.6',
    installType: 'npm',
  },
  campaign: {},
  library: { name: 'RudderLabs JavaScript SDK', version: '3.7.6' },
  locale: 'en-US',
  network: '',
  os: { name: '', version: '' },
  page: {
    initial_referrer: '$direct',
    initial_referring_domain: '',
    path: '/products/list',
    referrer: 'https://www.example.com/',
    referring_domain: 'www.example.com',
    search: '?utm_source=newsletter',
    tab_url: 'https://shop.example.com/products/list?utm_source=newsletter',
    title: 'Products – Example',
    url: 'https://shop.example.com/products/list',
  },
  screen: { density: 2, height: 1117, innerHeight: 872, innerWidth: 1440, width: 1728 },
  sessionId: 1_764_530_000_000,
  timezone: 'GMT+0100',
  traits: {},
  userAgent:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
};
const traits = Object.fromEntries(
  Array.from({ length: 40 }, (_, at) => [`trait ${at}`, `a value of some length ${at}`]),
);
const common = {
  anonymousId: '2a61b4d5-b9a6-4f0e-94f2-5a7f5f1b5a11',
  channel: 'web',
  integrations: { All: true },
  messageId: '9e6e9ce2-5e5f-4b06-a2c8-2d6f9d7d1c55',
  originalTimestamp: '2026-01-02T03:04:05.678Z',
  receivedAt: '2026-01-02T03:04:06.012Z',
  request_ip: '192.0.2.1',
  rudderId: '7b1c5a53-8b7f-4f57-93a1-5e6d1f1b0a1c',
  sentAt: '2026-01-02T03:04:05.700Z',
  timestamp: '2026-01-02T03:04:05.990Z',
};

/** The bytes of all header lines. */
const bytesOf = (header: Record<string, string>): number =>
  Object.entries(header).reduce((sum, [name, value]) => sum + `${name}: ${value}\r\n`.length, 0);

describe('the size of the envelope', () => {
  it('is little more than half of its JSON for an event of the browser SDK', () => {
    const sent = {
      ...common,
      context,
      type: 'track',
      event: 'Products Viewed',
      properties: { a: 1 },
    };
    const transformed = transformEvent(sent);
    expect(bytesOf(headerOf(transformed)) / jsonOf(transformed).length).toBeLessThan(0.65);
    expect(roundTrip(sent)).toEqual({ event: sent, collisions: [] });
  });

  it('does not contain the traits of an identify a second time', () => {
    const sent = { ...common, context: { ...context, traits }, type: 'identify', traits };
    const transformed = transformEvent(sent);
    expect(jsonOf(transformed)).not.toContain('a value of some length');
    expect(roundTrip(sent)).toEqual({ event: sent, collisions: [] });
    const other = { ...sent, context: { ...context, traits: { ...traits, more: true } } };
    expect(roundTrip(other)).toEqual({ event: other, collisions: [] });
  });
});

describe('the fragments', () => {
  const source = readFileSync(
    new URL('../../src/decode/transformation.js', import.meta.url),
    'utf8',
  );
  const listed = /const FRAGMENTS = (\[.*?\n\]);/s.exec(source)?.[1] ?? '';

  it('are the same in the transformation as in the receiver, each once, and have a code each', () => {
    expect([...runInContext(listed, createContext())]).toEqual(FRAGMENTS);
    expect(new Set(FRAGMENTS).size).toBe(FRAGMENTS.length);
    expect(33 + FRAGMENTS.length).toBeLessThan(0x7f);
  });

  it('are expanded wherever they stand, and unknown codes are not', () => {
    for (const [index, fragment] of FRAGMENTS.entries()) {
      expect(expand(`a~${String.fromCharCode(33 + index)}b`)).toBe(`a${fragment}b`);
    }
    expect(expand('a^b`c|')).toBe('a","b":"c\\u');
    for (const text of ['~', 'a~', '~\u007f', '~ ']) expect(expand(text)).toBeUndefined();
  });

  it('cannot make a text of any length', () => {
    const longest = FRAGMENTS.reduce((at, each, index) => {
      return each.length > (FRAGMENTS[at] ?? '').length ? index : at;
    }, 0);
    expect(expand(`~${String.fromCharCode(33 + longest)}`.repeat(500_000))).toBeUndefined();
  });
});

describe('the headers of the transformation', () => {
  it('is one where it fits and numbered ones where not, none over 4,096 bytes, all printable ASCII', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40_000 }),
        fc.constantFrom('x', 'é', ' '),
        (length, unit) => {
          const header = headerOf(transformEvent({ type: 'track', event: unit.repeat(length) }));
          const lines = Object.entries(header);
          for (const [name, value] of lines) {
            expect(`${name}: ${value}\r\n`.length).toBeLessThanOrEqual(4096);
            expect(value).toMatch(/^\d+\/\d+;[\x20-\x7e]*;$/);
          }
          const names = lines.map(([name]) => name);
          if (names.length === 1) expect(names).toEqual(['x-trackbridge-event']);
          else expect(names).toEqual(names.map((_, index) => `x-trackbridge-event-${index + 1}`));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("keeps the event's own headers, and takes an envelope away that came with the event", () => {
    const header = {
      'X-A': 1,
      'X-TrackBridge-Event-7': 'forged',
      'x-trackbridge-event-x': 'other',
    };
    const transformed = transformEvent({ type: 'track', header });
    expect(headerOf(transformed)).toEqual({
      'X-A': 1,
      'x-trackbridge-event-x': 'other',
      'x-trackbridge-event': expect.stringMatching(/^1\/1;2/),
    });
  });

  it('says nothing of the headers, the path or the values that travel otherwise', () => {
    const transformed = transformEvent({
      type: 'track',
      header: { Authorization: 'Bearer secret-1' },
      fullPath: 'https://secret-2.example',
      appendPath: '/secret-3',
      properties: { a: 'in the query' },
    });
    expect(jsonOf(transformed)).toBe('{"v":1,"event":{"type":"track"},"properties":{"a":"s"}}');
  });
});

describe('the shape in the envelope', () => {
  it.each([
    ['what the query carries', { a: 'x', b: [1, ''] }, { a: 's', b: ['n', 's'] }],
    [
      'what tells its type itself',
      { a: true, b: null, c: [], d: {} },
      { a: true, b: null, c: [], d: {} },
    ],
    ['two values of one key', { 'a.b': 1, a: { b: 'x' } }, { 'a.b': 1, a: { b: '=x' } }],
    ['an element beside its look-alike', { 'a[0]': 1, a: [true] }, { 'a[0]': 1, a: [true] }],
    ['empty names', { '': 'x', a: { '': { b: 1 } } }, { '': '=x', a: { '': { b: 1 } } }],
  ])('says of %s how to get it', (_what, properties, shape) => {
    const { properties: found } = JSON.parse(jsonOf(transformEvent({ properties }))) as {
      properties: unknown;
    };
    expect(found).toEqual(shape);
  });
});

describe('the transformation', () => {
  const circular: Record<string, unknown> = { type: 'track' };
  circular['self'] = circular;
  const throwing = {
    get type(): string {
      throw new Error('not for you');
    },
  };
  const deep = JSON.parse(`${'[1,'.repeat(50_000)}1${']'.repeat(50_000)}`) as unknown;

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'track'],
    ['a number', 5],
    ['a list', [{ type: 'track' }]],
    ['a function', () => 1],
    ['a circle', circular],
    ['a bigint', { type: 'track', n: 5n }],
    ['a throwing getter', throwing],
    ['bottomless nesting', { type: 'track', properties: deep }],
  ])('gives %s back unharmed', (_what, odd) => {
    expect(transformEvent(odd as Record<string, unknown>)).toBe(odd);
  });

  it('changes nothing of the event but its headers', () => {
    fc.assert(
      fc.property(event, (sent) => {
        const before = JSON.stringify(sent);
        const { header: _, ...rest } = transformEvent(sent) as JsonObject;
        const { header: __, ...expected } = sent;
        expect(rest).toEqual(expected);
        expect(JSON.stringify(sent)).toBe(before);
      }),
    );
  });

  it('needs nothing but the language', () => {
    const file = new URL('../../src/decode/transformation.js', import.meta.url);
    const source = readFileSync(file, 'utf8');
    expect(source.match(/^export /gm)).toHaveLength(1);
    expect(source).not.toMatch(/\b(import|require)\b *[({'"]/);
    const context = createContext(Object.create(null) as object);
    const script = `'use strict';{${source.replace(/^export /m, '')}; JSON.stringify(transformEvent(JSON.parse(input)))}`;
    for (const { event: sent } of wireCases()) {
      context['input'] = JSON.stringify(sent);
      const transformed = JSON.parse(runInContext(script, context) as string) as JsonValue;
      expect(isObject(transformed)).toBe(true);
      expect(transformed).toEqual(transformEvent(sent));
    }
  });
});
