import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject, type JsonValue } from '../../src/core/json.js';
import { openEnvelope, readEnvelope } from '../../src/decode/envelope.js';
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

describe('the headers of the transformation', () => {
  it('is one where it fits and numbered ones where not, none over 8,192 bytes, all printable ASCII', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40_000 }),
        fc.constantFrom('x', 'é', ' '),
        (length, unit) => {
          const header = headerOf(transformEvent({ type: 'track', event: unit.repeat(length) }));
          const lines = Object.entries(header);
          for (const [name, value] of lines) {
            expect(`${name}: ${value}\r\n`.length).toBeLessThanOrEqual(8192);
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
      'x-trackbridge-event': '1/1;{"v":1,"event":{"type":"track"}};',
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
    const envelope = headerOf(transformed)['x-trackbridge-event'];
    expect(envelope).toBe('1/1;{"v":1,"event":{"type":"track"},"properties":{"a":"s"}};');
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
    const value = headerOf(transformEvent({ properties }))['x-trackbridge-event'] ?? '';
    const { properties: found } = JSON.parse(value.slice(4, -1)) as { properties: unknown };
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
