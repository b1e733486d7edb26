import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseJson, tryParseJson } from '../../src/decode/json.js';
import { findJsonFault } from '../../src/decode/json-fault.js';
import { LIMITS } from '../../src/decode/limits.js';
import { refusalOf } from './refusal.js';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

function objectText(keys: number, from = 0): string {
  const members = Array.from({ length: keys }, (_, index) => `"k${index + from}":0`);
  return `{${members.join(',')}}`;
}

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('JSON that is not well-formed', () => {
  it.each([
    ['{"type":"track",}', 'line 1, column 17 (offset 16)', 'a key in double quotes'],
    ['{\n  "type": track\n}', 'line 2, column 11 (offset 12)', 'a value'],
    ['{"a" 1}', 'line 1, column 6 (offset 5)', 'a colon'],
    ['[1 2]', 'line 1, column 4 (offset 3)', 'a comma or a closing bracket'],
    ['{"a":1', 'line 1, column 7 (offset 6)', 'a comma or a closing bracket'],
    ['{"a":"b', 'line 1, column 8 (offset 7)', 'the closing quote'],
    ['["a\nb"]', 'line 1, column 4 (offset 3)', 'an escape in place of a control'],
    ['["\\x"]', 'line 1, column 3 (offset 2)', 'an escape that JSON knows'],
    ['{} {}', 'line 1, column 4 (offset 3)', 'the end of the body'],
    ['[01]', 'line 1, column 3 (offset 2)', 'a comma or a closing bracket'],
    ["{'a':1}", 'line 1, column 2 (offset 1)', 'a key in double quotes or "}"'],
    ['[1,]', 'line 1, column 4 (offset 3)', 'a value'],
    ['', 'line 1, column 1 (offset 0)', 'a value'],
  ])('is refused with the place of the fault: %j', (text, place, expected) => {
    const error = refusalOf(() => parseJson(text, LIMITS));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).toContain(`breaks off at ${place}`);
    expect(error.message).toContain(`where ${expected}`);
  });

  it('is refused without a word of its content', () => {
    const error = refusalOf(() => parseJson('{"secret-key":"secret-value" secret-rest', LIMITS));
    expect(`${error.message} ${error.cause}`).not.toContain('secret');
  });

  it('is found faulty exactly where JSON.parse refuses it', () => {
    const pieces = fc.constantFrom(
      ...'{}[],:"\\ \n\t\u0001eE+-.0129utrfaslné',
      'true',
      'null',
      '"a"',
      '\\u00e9',
      '"k":',
    );
    const texts = fc.oneof(
      fc.array(pieces).map((parts) => parts.join('')),
      fc.tuple(fc.json(), fc.nat(), pieces).map(([text, at, piece]) => {
        const cut = at % (text.length + 1);
        return text.slice(0, cut) + piece + text.slice(cut + 1);
      }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const isJson = tryParseJson(text, LIMITS) !== undefined;
        expect(findJsonFault(text) === undefined).toBe(isJson);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the limits of JSON', () => {
  it.each([0, LIMITS.keys * 5])(
    'allow the configured depth and not one level more, with %i more characters',
    (more) => {
      const padding = ' '.repeat(more);
      expect(() => parseJson(nested(LIMITS.depth) + padding, LIMITS)).not.toThrow();
      const error = refusalOf(() => parseJson(nested(LIMITS.depth + 1) + padding, LIMITS));
      expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', status: 400 });
      expect(error.message).toContain('100 levels');
    },
  );

  it('count brackets outside texts only', () => {
    const text = JSON.stringify({ a: `${'[{"'.repeat(200)}\\`, b: [] });
    expect(parseJson(text + ' '.repeat(LIMITS.keys * 5), LIMITS)).toEqual(JSON.parse(text));
  });

  it('allow the configured keys and not one more', () => {
    expect(Object.keys(parseJson(objectText(LIMITS.keys), LIMITS) as object)).toHaveLength(
      LIMITS.keys,
    );
    const error = refusalOf(() => parseJson(objectText(LIMITS.keys + 1), LIMITS));
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', status: 400 });
  });

  it('count the keys of all objects together', () => {
    const limits = { ...LIMITS, keys: 10 };
    expect(() => parseJson(`[${objectText(5)},${objectText(5, 5)}]`, limits)).not.toThrow();
    expect(refusalOf(() => parseJson(`[${objectText(5)},${objectText(6, 5)}]`, limits)).code).toBe(
      'LIMIT_EXCEEDED',
    );
  });

  it.each([10_000, 3_000_000])('refuse %i levels without harm', (depth) => {
    expect(refusalOf(() => parseJson(nested(depth), LIMITS)).code).toBe('LIMIT_EXCEEDED');
    expect(refusalOf(() => parseJson('{"a":'.repeat(depth), LIMITS)).status).toBe(400);
  });

  it.each([
    ['objects in a list', (count: number) => `[${Array(count).fill('{}').join(',')}]`],
    ['lists in a list', (count: number) => `[${Array(count).fill('[]').join(',')}]`],
    ['lists of one object', (count: number) => `{"a":[${Array(count).fill('[{}]').join(',')}]}`],
  ])('refuse millions of empty %s, before they are parsed', (_, text) => {
    const parse = vi.spyOn(JSON, 'parse');
    expect(refusalOf(() => parseJson(text(2_000_000), LIMITS))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      status: 400,
    });
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
    // Real events have some.
    expect(() => parseJson(text(50_000), LIMITS)).not.toThrow();
  });

  it('do not look for the fault of a text of megabytes', () => {
    const error = refusalOf(() => parseJson(`["${'x'.repeat(1_000_000)}",]`, LIMITS));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).not.toContain('offset');
    expect(refusalOf(() => parseJson(`["${'x'.repeat(900_000)}",]`, LIMITS)).message).toContain(
      'offset 900004',
    );
  });

  it('refuse a million keys', () => {
    expect(refusalOf(() => parseJson(objectText(1_000_000), LIMITS)).code).toBe('LIMIT_EXCEEDED');
  });
});

describe('prototype keys in JSON', () => {
  it.each([
    ['{"a":{"__proto__":{"polluted":1},"b":1}}', { a: { b: 1 } }],
    ['[{"__proto__":null},{"x":[{"__proto__":[]}]}]', [{}, { x: [{}] }]],
    ['{"\\u005f_proto__":{"polluted":1},"b":1}', { b: 1 }],
    ['{"_\\u005Fpr\\u006fto__":{"polluted":1},"b":1}', { b: 1 }],
    ['{"constructor":{"prototype":{"polluted":1}},"b":1}', { b: 1 }],
    ['{"constr\\u0075ctor":{"prot\\u006ftype":{}},"b":1}', { b: 1 }],
    ['{"constructor":"Ferrari","prototype":1}', { constructor: 'Ferrari', prototype: 1 }],
    ['{"text":"__proto__"}', { text: '__proto__' }],
  ])('are dropped, and only those: %s', (text, value) => {
    const parsed = parseJson(text, LIMITS);
    expect(parsed).toStrictEqual(value);
    expect(JSON.stringify(parsed)).toBe(JSON.stringify(value));
  });

  it('are all that any JSON value loses', () => {
    const prototypeKeys = /"(__proto__|constructor)":/;
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!prototypeKeys.test(text));
        expect(JSON.stringify(parseJson(text, LIMITS))).toBe(text);
      }),
    );
  });

  it('are nowhere in any value that was parsed', () => {
    const key = fc.constantFrom('__proto__', 'constructor', 'prototype', 'a');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 6 }, fc.constant('1'), tie('list'), tie('object')),
      list: fc.array(tie('value')).map((items) => `[${items.join(',')}]`),
      object: fc
        .array(fc.tuple(key, tie('value')))
        .map((members) => `{${members.map(([name, member]) => `"${name}":${member}`).join(',')}}`),
    }));
    fc.assert(
      fc.property(value, (text) => {
        const left = JSON.stringify(parseJson(String(text), LIMITS));
        expect(left).not.toContain('"__proto__":');
        expect(left).not.toMatch(/"constructor":\{[^{}]*"prototype":/);
      }),
    );
  });
});

it('keeps numbers as IEEE doubles and lone surrogates as they are', () => {
  const text = '{"big":12345678901234567890,"e":1e21,"one":1.0,"surrogate":"\\ud800"}';
  expect(parseJson(text, LIMITS)).toEqual({
    big: 12345678901234567000,
    e: 1e21,
    one: 1,
    surrogate: '\ud800',
  });
});
