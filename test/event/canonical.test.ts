import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { toCanonical } from '../../src/event/canonical.js';
import { ARRIVAL, ARRIVAL_TEXT, factsOf, MADE_ID } from './facts.js';

function canonical(raw: JsonObject, facts = factsOf()): JsonObject {
  return toCanonical(raw, facts).event;
}

const TRACK = { type: 'track', messageId: 'm-1', timestamp: '2026-01-02T03:04:05.000Z' };

describe('toCanonical', () => {
  it('makes the least of events whole', () => {
    expect(toCanonical({ type: 'track' }, factsOf())).toEqual({
      messageIdGenerated: true,
      event: {
        type: 'track',
        messageId: MADE_ID,
        context: {},
        integrations: {},
        timestamp: ARRIVAL_TEXT,
        receivedAt: ARRIVAL_TEXT,
        receipt: {
          deliveryId: '019b7c5a-0000-7000-8000-00000000000d',
          source: 'segment',
          vendor: 'segment',
          method: 'POST',
          receivedAt: ARRIVAL_TEXT,
          authenticated: true,
          verifiedBy: 'segment-signature',
          dedupeKey: `segment:${MADE_ID}`,
          messageIdGenerated: true,
        },
      },
    });
  });

  it('puts what people look for first, and the receipt last', () => {
    const raw = {
      version: 2,
      receivedAt: '2026-01-02T03:04:06.000Z',
      context: {},
      properties: {},
      event: 'E',
      anonymousId: 'a',
      userId: 'u',
      ...TRACK,
    };
    expect(Object.keys(canonical(raw))).toEqual([
      ...['type', 'messageId', 'userId', 'anonymousId', 'event', 'properties', 'context'],
      ...['integrations', 'timestamp', 'receivedAt', 'version', 'receipt'],
    ]);
  });

  it.each(['Track', 'TRACK', 'track'])('writes the type %s in lower case', (type) => {
    expect(canonical({ ...TRACK, type })['type']).toBe('track');
  });

  it.each(['userId', 'anonymousId', 'groupId', 'previousId'])(
    'takes a number beyond all for no %s',
    (field) => {
      const raw = JSON.parse(`{"type":"track","${field}":1e999}`) as JsonObject;
      expect(canonical(raw)).not.toHaveProperty(field);
    },
  );

  describe('messageId', () => {
    it.each<[string, JsonValue]>([
      ['m', 'm'],
      ['m n', ' m n '],
      ['-abc', '\u0000 -abc \u00a0\u034f'],
      ['a\u200bb', '\ufeffa\u200bb\u200b'],
      ['x'.repeat(512), ` ${'x'.repeat(512)} `],
      ['12', 12],
      ['1.5', 1.5],
      ['x'.repeat(512), 'x'.repeat(512)],
      ['\u{1f600}'.repeat(512), '\u{1f600}'.repeat(512)],
    ])('is %j for %j', (expected, messageId) => {
      const { event, messageIdGenerated } = toCanonical({ ...TRACK, messageId }, factsOf());
      expect(event['messageId']).toBe(expected);
      expect(messageIdGenerated).toBe(false);
      expect(event['receipt']).not.toHaveProperty('messageIdGenerated');
    });

    it.each<[JsonValue]>([
      [''],
      [' '],
      ['\t\t'],
      ['\u00a0'],
      ['\u200b'],
      ['\u034f'],
      ['\u2800\u3164 \u{e0001}'],
      [null],
      [true],
      [{ a: 1 }],
      [[1]],
      [Number.POSITIVE_INFINITY],
      ['x'.repeat(513)],
      ['\u{1f600}'.repeat(513)],
      ['x'.repeat(2000)],
    ])('is made for %j', (messageId) => {
      const { event, messageIdGenerated } = toCanonical({ ...TRACK, messageId }, factsOf());
      expect(event['messageId']).toBe(MADE_ID);
      expect(messageIdGenerated).toBe(true);
      expect(event['receipt']).toHaveProperty('messageIdGenerated', true);
    });
  });

  describe.each(['userId', 'anonymousId', 'groupId', 'previousId'])('%s', (field) => {
    it.each<[JsonValue, string]>([
      ['u', 'u'],
      [456, '456'],
      [0, '0'],
      [{ id: 1 }, '{"id":1}'],
      [[1, 'a'], '[1,"a"]'],
    ])('as %j becomes %j', (value, expected) => {
      expect(canonical({ ...TRACK, [field]: value })[field]).toBe(expected);
    });

    it.each(['', null, true, false, [], {}])('as %j is absent', (value) => {
      expect(canonical({ ...TRACK, [field]: value })).not.toHaveProperty(field);
    });
  });

  describe.each(['event', 'name', 'category'])('%s', (field) => {
    it.each<[JsonValue, JsonValue]>([
      ['E', 'E'],
      ['', ''],
      [404, '404'],
      [0.5, '0.5'],
      [true, 'true'],
      [false, 'false'],
      [{ a: 1 }, { a: 1 }],
    ])('as %j becomes %j', (value, expected) => {
      expect(canonical({ ...TRACK, [field]: value })[field]).toEqual(expected);
    });

    it.each([null, Number.POSITIVE_INFINITY])('as %j is absent', (value) => {
      expect(canonical({ ...TRACK, [field]: value })).not.toHaveProperty(field);
    });
  });

  describe.each(['properties', 'traits', 'context', 'integrations'])('%s', (field) => {
    it.each<[JsonValue]>([[null], [[]], [{}]])('as %j are an empty object', (value) => {
      expect(canonical({ ...TRACK, [field]: value })[field]).toEqual({});
    });

    it.each<[JsonValue]>([[[1]], ['text'], [7], [{ a: [] }]])('as %j stay', (value) => {
      expect(canonical({ ...TRACK, [field]: value })[field]).toEqual(value);
    });
  });

  it('keeps the null of a field that it does not know', () => {
    expect(canonical({ ...TRACK, channel: null, properties: { a: null } })).toMatchObject({
      channel: null,
      properties: { a: null },
    });
  });

  describe('traits of an identify', () => {
    it.each<[JsonObject, JsonValue]>([
      [{ traits: { a: 1 }, context: { traits: { b: 2 } } }, { a: 1 }],
      [{ traits: {}, context: { traits: { b: 2 } } }, {}],
      [{ context: { traits: { b: 2 } } }, { b: 2 }],
      [{ traits: null, context: { traits: { b: 2 } } }, { b: 2 }],
      [{ context: { traits: 'none' } }, {}],
      [{ context: { traits: [] } }, {}],
      [{ traits: [], context: { traits: { b: 2 } } }, {}],
      [{ context: null }, {}],
      [{}, {}],
    ])('of %j are %j', (fields, expected) => {
      expect(canonical({ type: 'Identify', ...fields })['traits']).toEqual(expected);
    });

    it('stay in context too, and in other types only there', () => {
      const context = { traits: { a: 1 } };
      expect(canonical({ type: 'identify', context })['context']).toEqual(context);
      expect(canonical({ type: 'track', context })).not.toHaveProperty('traits');
    });
  });

  it('keeps request_ip as it was sent', () => {
    expect(canonical({ ...TRACK, request_ip: '[::1]:57363' })).toMatchObject({
      request_ip: '[::1]:57363',
      context: { ip: '::1' },
    });
  });

  it('removes the write key at the top and in context', () => {
    const event = canonical({
      ...TRACK,
      writeKey: 'SECRET',
      context: { writeKey: 'SECRET', a: 1 },
    });
    expect(JSON.stringify(event)).not.toContain('SECRET');
    expect(event['context']).toEqual({ a: 1 });
  });

  it('never believes a receipt that was sent', () => {
    const receipt = { authenticated: true, verifiedBy: 'trust-me', forged: 1 };
    const event = canonical(
      { ...TRACK, receipt },
      factsOf({ authenticated: false, verifiedBy: 'none' }),
    );
    expect(event['receipt']).toMatchObject({ authenticated: false, verifiedBy: 'none' });
    expect(event['receipt']).not.toHaveProperty('forged');
  });

  it('lists what a query lost to collisions, and nothing where it lost nothing', () => {
    expect(canonical(TRACK, factsOf({ collisions: ['a'] }))['receipt']).toHaveProperty(
      'collisions',
      ['a'],
    );
    expect(canonical(TRACK, factsOf({ collisions: [] }))['receipt']).not.toHaveProperty(
      'collisions',
    );
  });

  it('keeps action, fields and identifiers of a record', () => {
    const record = {
      type: 'record',
      action: 'insert',
      fields: { email: 'a@b.c' },
      identifiers: { id: 1 },
      recordId: '17',
      channel: 'sources',
    };
    expect(canonical(record)).toMatchObject(record);
    const bare = canonical({ type: 'record', action: null, fields: null, identifiers: null });
    expect(bare).not.toHaveProperty('action');
    expect(bare).toMatchObject({ fields: {}, identifiers: {} });
    const php = canonical({ type: 'record', fields: [], identifiers: [] });
    expect(php).toMatchObject({ fields: {}, identifiers: {} });
    expect(canonical({ type: 'track', fields: null, identifiers: [] })).toMatchObject({
      fields: null,
      identifiers: [],
    });
  });

  it('wraps an object without a type only where the source says so', () => {
    const untyped = { as: 'track', event: 'Row Added' };
    expect(canonical({ id: 7, userId: 'u', type: null }, factsOf({ untyped }))).toMatchObject({
      type: 'track',
      event: 'Row Added',
      userId: 'u',
      properties: { id: 7, userId: 'u', type: null },
    });
    expect(canonical({ type: 'page', id: 7 }, factsOf({ untyped }))).toMatchObject({
      type: 'page',
      id: 7,
    });
    expect(canonical({ id: 7 })).not.toHaveProperty('type');
  });

  it('does not let a key named __proto__ become a prototype', () => {
    const event = canonical(JSON.parse('{"type":"track","__proto__":{"polluted":true}}'));
    expect(event['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
  });

  it('writes the arrival text that it is given', () => {
    const event = canonical(
      { type: 'track' },
      factsOf({ receivedAt: ARRIVAL, receivedAtText: 'T' }),
    );
    expect(event['receivedAt']).toBe('T');
  });
});
