import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonValue } from '../../../src/core/json.js';
import { decodeForm } from '../../../src/decode/form/parse.js';
import { parseEvents, parseJson } from '../../../src/decode/json/parse.js';
import { LIMITS } from '../../../src/decode/limits.js';

const IDS = ['messageId', 'userId', 'anonymousId', 'groupId', 'previousId'];
const NAMES = ['event', 'name', 'category'];
const LONG = '9007199254740993';
const ROUNDED = 9007199254740992;

const parse = (text: string) => parseEvents(text, LIMITS);

/** A number with more digits than a double can hold, as JSON writes them. */
const longNumber = fc.oneof(
  fc.bigInt({ min: 10n ** 15n, max: 10n ** 40n }).map(String),
  fc.bigInt({ min: 10n ** 15n, max: 10n ** 30n }).map((digits) => `-${digits}`),
  fc.bigInt({ min: 10n ** 16n, max: 10n ** 20n }).map((digits) => `0.${digits}`),
  fc.bigInt({ min: 10n ** 16n, max: 10n ** 20n }).map((digits) => `${digits}e-3`),
);
const blank = fc.constantFrom('', ' ', '\n\t ', '\r\n');

describe('an id that a double cannot hold', () => {
  it.each([...IDS, ...NAMES])('is a string of the digits that were sent: %s', (field) => {
    fc.assert(
      fc.property(longNumber, blank, blank, (number, before, after) => {
        const text = `{"a":"x",${before}"${field}"${after}:${before}${number}${after},"z":[1]}`;
        const isExact = String(Number(number)) === number;
        expect(parse(text)).toEqual({
          a: 'x',
          [field]: isExact ? Number(number) : number,
          z: [1],
        });
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['an event', (event: string) => event, (value: JsonValue) => value],
    ['an array', (event: string) => `[{}, ${event}]`, (value: JsonValue) => [{}, value]],
    [
      'a batch',
      (event: string) => `{"batch":[${event}]}`,
      (value: JsonValue) => ({ batch: [value] }),
    ],
    [
      'a batch that is one event without an array',
      (event: string) => `{"batch":${event}}`,
      (value: JsonValue) => ({ batch: value }),
    ],
    [
      'a batch after its envelope',
      (event: string) => `{"sentAt":"now","context":{"a":[{}]},"b\\u0061tch":[${event},1]}`,
      (value: JsonValue) => ({ sentAt: 'now', context: { a: [{}] }, batch: [value, 1] }),
    ],
    [
      'an element that wraps its event',
      (event: string) => `[{"json":${event}}]`,
      (value: JsonValue) => [{ json: value }],
    ],
  ])('is exact in %s', (_what, around, expected) => {
    const text = around(`{"type":"track","user\\u0049d":${LONG},"properties":{"userId":${LONG}}}`);
    const event = { type: 'track', userId: LONG, properties: { userId: ROUNDED } };
    expect(parse(text)).toEqual(expected(event));
  });

  it.each([
    [`{"id":${LONG}}`, `{"id":${LONG}}`],
    [`[ 1, ${LONG}, 1.50 ]`, `[1,${LONG},1.5]`],
    [`{"a":"}\\"]","b":${LONG}}`, `{"a":"}\\"]","b":${LONG}}`],
    [`{ "a" : { "\\u0062" : [ ${LONG} ] }, "c": "x\\"y" }`, `{"a":{"b":[${LONG}]},"c":"x\\"y"}`],
  ])('is its own JSON text where it is an object or array: %s', (id, text) => {
    expect(parse(`{"userId": ${id} ,"n":1}`)).toEqual({ userId: text, n: 1 });
    expect(parse(`[{"groupId":${id}}]`)).toEqual([{ groupId: text }]);
  });

  it.each(['externalId', 'externalIds'])('is exact in context.%s', (field) => {
    const text = `{"context":{"${field}":[{"id":${LONG},"type":"t"},{"id":7}],"n":${LONG}}}`;
    expect(parse(text)).toEqual({
      context: { [field]: [{ id: LONG, type: 't' }, { id: 7 }], n: ROUNDED },
    });
  });

  it('is exact in the identifiers of a record', () => {
    const text = `{"type":"record","identifiers":{"id":${LONG},"n":7,"a":{"id":${LONG}}},"fields":{"id":${LONG}}}`;
    expect(parse(text)).toEqual({
      type: 'record',
      identifiers: { id: LONG, n: 7, a: { id: ROUNDED } },
      fields: { id: ROUNDED },
    });
  });

  it('is exact in the JSON of a form', () => {
    const form = new URLSearchParams({
      userId: `{"id":${LONG}}`,
      messageId: LONG,
      context: `{"externalId":[{"id":${LONG}}],"n":${LONG}}`,
      properties: `{"userId":${LONG}}`,
      'batch[0]': `{"userId":${LONG}}`,
    });
    expect(decodeForm(form.toString(), LIMITS)).toEqual({
      userId: `{"id":${LONG}}`,
      messageId: LONG,
      context: { externalId: [{ id: LONG }], n: ROUNDED },
      properties: { userId: ROUNDED },
      batch: [{ userId: LONG }],
    });
    expect(decodeForm(`batch=[{"userId":${LONG}}]`, LIMITS)).toEqual({ batch: [{ userId: LONG }] });
  });
});

describe('every other value', () => {
  it.each([
    [`{"userId":9007199254740991,"groupId":-1.020422768792896e-309}`],
    [`{"userId":42,"groupId":1.0,"event":1e3,"messageId":123456789012345}`],
    [`{"userId":"${LONG}","n":${LONG}}`],
    [`{"properties":{"userId":${LONG},"context":{"externalId":[{"id":${LONG}}]}}}`],
    [`{"traits":{"id":${LONG}},"userId":{"id":7}}`],
    [`[[{"userId":${LONG}}]]`],
    [`{"events":[{"userId":${LONG}}]}`],
    [`{"a":",\\"userId\\":${LONG}","b":1}`],
    [LONG],
    [`"id:${LONG}"`],
  ])('is what JSON.parse makes of it: %s', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it('stays a number outside of events', () => {
    expect(parseJson(`{"userId":${LONG}}`, LIMITS)).toEqual({ userId: ROUNDED });
  });

  it('is what JSON.parse makes of it, whatever stands beside', () => {
    const key = fc.constantFrom(
      ...IDS,
      ...NAMES,
      'context',
      'batch',
      'json',
      'externalId',
      'id',
      'n',
    );
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom('1', '"x"', 'null', `"${LONG}"`, '"\\\\"', '"\\",:["', '[]', '{}'),
        longNumber,
        fc.array(tie('value')).map((items) => `[${items.join(' ,')}]`),
        fc
          .array(fc.tuple(key, tie('value')))
          .map(
            (members) => `{${members.map(([name, member]) => `"${name}": ${member}`).join(',')}}`,
          ),
      ),
    }));
    fc.assert(
      fc.property(value, (text) => {
        expect(rounded(parse(text))).toEqual(rounded(JSON.parse(text)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('does not become JSON where it was none', () => {
    const piece = fc.constantFrom(...'{}[],:"', LONG, '0', '"userId"', '"batch"', 'true', ' ');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = `{"userId":${LONG},${pieces.join('')}}`;
        expect(isJson(() => parse(text))).toBe(isJson(() => JSON.parse(text)));
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Both readings with ids as doubles: what differs then is a fault. */
function rounded(value: JsonValue): JsonValue {
  if (typeof value === 'string' && value !== LONG) {
    try {
      return rounded(JSON.parse(value));
    } catch {
      return value;
    }
  }
  if (Array.isArray(value)) return value.map(rounded);
  if (!isObject(value)) return typeof value === 'string' ? Number(value) : value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, rounded(member)]));
}

function isJson(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
