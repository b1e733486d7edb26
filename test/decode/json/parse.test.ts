import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findJsonFault } from '../../../src/decode/json/fault.js';
import { parseEvents, parseJson, tryParseJson } from '../../../src/decode/json/parse.js';
import { LIMITS } from '../../../src/decode/limits.js';
import { refusalOf } from '../refusal.js';

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
    ['["a\nb"]', 'line 1, column 4 (offset 3)', 'an escaped control'],
    ['["\\x"]', 'line 1, column 3 (offset 2)', 'a valid JSON escape'],
    ['{} {}', 'line 1, column 4 (offset 3)', 'the end of the body'],
    ['[01]', 'line 1, column 3 (offset 2)', 'a comma or a closing bracket'],
    ["{'a':1}", 'line 1, column 2 (offset 1)', 'a key in double quotes or "}"'],
    ['[1,]', 'line 1, column 4 (offset 3)', 'a value'],
    ['', 'line 1, column 1 (offset 0)', 'a value'],
  ])('is refused with the place of the fault: %j', (text, place, expected) => {
    const error = refusalOf(() => parseJson(text, LIMITS));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).toContain(`is invalid at ${place}`);
    expect(error.message).toContain(`expected ${expected}`);
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
    for (const objects of [
      `[${objectText(5)},${objectText(6, 5)}]`,
      `{"batch":[${objectText(5)},${objectText(5)}]}`,
    ]) {
      for (const padding of ['', ' '.repeat(100)]) {
        expect(refusalOf(() => parseJson(objects + padding, limits)).code).toBe('LIMIT_EXCEEDED');
      }
    }
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

  it('allow 300,000 objects and arrays, or one for every five characters, and not one more', () => {
    const containers = (count: number, length: number): string =>
      `[${Array(count - 1)
        .fill('[]')
        .join(',')}]`.padEnd(length);
    for (const [most, length] of [
      [300_000, 0],
      [400_000, 2_000_000],
    ] as const) {
      expect(() => parseJson(containers(most, length), LIMITS)).not.toThrow();
      const error = refusalOf(() => parseJson(containers(most + 1, length), LIMITS));
      expect(error.message).toContain(`over ${most} objects`);
    }
  });

  it('do not look for the fault of a text of megabytes', () => {
    const error = refusalOf(() => parseJson(`["${'x'.repeat(1_000_000)}",]`, LIMITS));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).not.toContain('offset');
    const broken = (length: number): string => `["${'x'.repeat(length - 5)}",]`;
    const messages = [1_000_000, 1_000_001].map(
      (length) => refusalOf(() => parseJson(broken(length), LIMITS)).message,
    );
    expect(messages[0]).toContain('offset 999999');
    expect(messages[1]).not.toContain('offset');
  });

  it('refuse a million keys', () => {
    expect(refusalOf(() => parseJson(objectText(1_000_000), LIMITS)).code).toBe('LIMIT_EXCEEDED');
  });
});

describe('the limits of a body of events', () => {
  const shapes: readonly [string, (events: readonly string[]) => string][] = [
    ['an array', (events) => `[${events.join(',')}]`],
    ['a batch', (events) => `{"a":[{}],"batch":[${events.join(',')}],"z":{}}`],
    ['a batch with a type', (events) => `{"b\\u0061tch" : [${events.join(' ,')}],"type":"batch"}`],
    ['wrapped events', (events) => `[${events.map((event) => `{"json":${event}}`).join(',')}]`],
  ];

  // Blanks make a text large, so that it is looked at before it is parsed; both ways must find the same.
  describe.each(['', ' '.repeat(LIMITS.keys * 5)])('with %j around', (padding) => {
    it.each(shapes)('count the keys of each event alone: %s', (_, bodyOf) => {
      const fits = [objectText(LIMITS.keys), objectText(LIMITS.keys), '{}'];
      expect(() => parseEvents(bodyOf(fits) + padding, LIMITS)).not.toThrow();
      for (const at of [0, 1, 2]) {
        const events = fits.with(at, objectText(LIMITS.keys + 2));
        expect(refusalOf(() => parseEvents(bodyOf(events) + padding, LIMITS))).toMatchObject({
          code: 'LIMIT_EXCEEDED',
          status: 400,
        });
      }
    });

    it('count nested keys, and those of a single event together', () => {
      const two = `{"a":${objectText(LIMITS.keys / 2)},"b":[${objectText(LIMITS.keys / 2)}]}`;
      expect(refusalOf(() => parseEvents(two + padding, LIMITS)).code).toBe('LIMIT_EXCEEDED');
      const track = `{"type":"track","products":[${objectText(LIMITS.keys)},{"x":1}]}`;
      expect(refusalOf(() => parseEvents(track + padding, LIMITS)).code).toBe('LIMIT_EXCEEDED');
    });

    it('count what stands beside a batch as one event more', () => {
      const beside = (keys: number) => `{"context":${objectText(keys)},"batch":[{"a":1}]}`;
      expect(() => parseEvents(beside(LIMITS.keys - 2) + padding, LIMITS)).not.toThrow();
      expect(refusalOf(() => parseEvents(beside(LIMITS.keys) + padding, LIMITS)).code).toBe(
        'LIMIT_EXCEEDED',
      );
      const after = `{"batch":[{"a":1}],"context":${objectText(LIMITS.keys)}}`;
      expect(refusalOf(() => parseEvents(after + padding, LIMITS)).code).toBe('LIMIT_EXCEEDED');
    });

    it('count an array behind the text "batch" as part of its event', () => {
      const event = `[${objectText(LIMITS.keys)},${objectText(2)}]`;
      expect(() =>
        parseEvents(`["batch",[${objectText(LIMITS.keys)}]]${padding}`, LIMITS),
      ).not.toThrow();
      expect(refusalOf(() => parseEvents(`["batch",${event}]${padding}`, LIMITS)).code).toBe(
        'LIMIT_EXCEEDED',
      );
    });

    it.each([nested, (depth: number) => `{"batch":${nested(depth - 1)}}`])(
      'count the levels of the whole body',
      (textOf) => {
        expect(() => parseEvents(textOf(LIMITS.depth) + padding, LIMITS)).not.toThrow();
        expect(refusalOf(() => parseEvents(textOf(LIMITS.depth + 1) + padding, LIMITS)).code).toBe(
          'LIMIT_EXCEEDED',
        );
      },
    );
  });

  it('allow 4,000 events of 43 keys, as Segment documents them', () => {
    const batch = Array.from({ length: 4_000 }, () => objectText(43));
    expect(parseEvents(`[${batch.join(',')}]`, LIMITS)).toHaveLength(4_000);
    expect(parseEvents(`{"batch":[${batch.join(',')}]}`, LIMITS)).toHaveProperty(
      'batch.length',
      4_000,
    );
  });

  it('allow as many events as the limit and not one more', () => {
    const events = (count: number) => `[${Array(count).fill('1').join(',')}]`;
    expect(parseEvents(events(LIMITS.events), LIMITS)).toHaveLength(LIMITS.events);
    expect(refusalOf(() => parseEvents(events(LIMITS.events + 1), LIMITS)).code).toBe(
      'LIMIT_EXCEEDED',
    );
  });

  it('allow a large body any values that are not mostly empty', () => {
    const pairs = Array.from({ length: 600_000 }, () => '[1,2]');
    expect(parseEvents(`{"properties":{"points":[${pairs.join(',')}]}}`, LIMITS)).toBeDefined();
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
