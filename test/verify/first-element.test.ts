import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstElement, isUnambiguous } from '../../src/verify/first-element.js';

/** What a signature may cover: the slices of an element that says the same to every reader. */
function slices(body: string): { element: string; json?: string } | undefined {
  const found = firstElement(Buffer.from(body));
  if (found === undefined || !isUnambiguous(found)) return undefined;
  const element = found.element.toString();
  return found.json === undefined ? { element } : { element, json: found.json.toString() };
}

const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r'), maxLength: 3 });

/** JSON text of a string with any of its characters written as escapes. */
const oddString = fc
  .array(fc.tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.boolean()), {
    maxLength: 6,
  })
  .map((units) => `"${units.map(([text, escaped]) => spell(text, escaped)).join('')}"`);

function spell(text: string, escaped: boolean): string {
  if (!escaped) return JSON.stringify(text).slice(1, -1);
  const codes = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('');
}

const tricky = fc.constantFrom('"]}"', '"[{"', '"\\\\"', '"\\\\\\""', '","', '":"', '"\\u0022"');
const scalar = fc.oneof(
  oddString,
  tricky,
  fc.constantFrom(
    'true',
    'false',
    'null',
    '0',
    '-0.0',
    '1.50',
    '1e21',
    '1E+2',
    '12345678901234567890',
  ),
);

/** JSON text with whitespace and escapes wherever the grammar has room for them. */
const { value } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, scalar, tie('array'), tie('object')),
  array: fc
    .array(fc.tuple(space, tie('value'), space), { maxLength: 4 })
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
  object: fc
    .uniqueArray(fc.tuple(fc.oneof(oddString, tricky), space, space, tie('value'), space), {
      maxLength: 4,
      selector: ([key]) => JSON.parse(key) as string,
    })
    .map((members) => {
      const texts = members.map(([key, a, b, text, c]) => `${a}${key}${b}:${c}${text}${a}`);
      return `{${texts.join(',')}}`;
    }),
}));

describe('firstElement', () => {
  it('cuts out of any array exactly the text that was put in first', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), space, space, (items, a, b) => {
        const body = `${a}[${items.map((item) => `${a}${item}${b}`).join(',')}]${b}`;
        expect(JSON.parse(body)).toBeInstanceOf(Array);
        expect(slices(body)?.element).toBe(items[0]);
      }),
      { numRuns: 500 },
    );
  });

  it('cuts out of a lone json member exactly the text that was put in', () => {
    fc.assert(
      fc.property(value, space, space, (inner, a, b) => {
        const element = `{${a}"json"${b}:${a}${inner}${b}}`;
        expect(slices(`[${element}${a}]`)).toEqual({ element, json: inner });
      }),
      { numRuns: 300 },
    );
  });

  it('never throws on bytes, and what it finds lies within them', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
      fc
        .string({ unit: fc.constantFrom(...'[]{}",:\\ utn0"'), maxLength: 40 })
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (rest) => {
        const body = Buffer.concat([Buffer.from('['), rest]);
        const found = firstElement(body);
        if (found !== undefined) expect(body.includes(found.element)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with a parser on every sound array that chance makes of brackets and quotes', () => {
    const soup = fc.string({ unit: fc.constantFrom(...'[]{}",:\\1 '), maxLength: 12 });
    fc.assert(
      fc.property(soup, (rest) => {
        const body = `[${rest}`;
        const first = firstOf(body);
        if (first === undefined) return;
        const found = slices(body);
        expect(found === undefined ? first : JSON.parse(found.element)).toEqual(first);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['an object', '{"a":[1]}'],
    ['an object that holds an object', '{{"a":1},{}]'],
    ['an empty array', '[ ]'],
    ['nothing', ''],
    ['text', 'abc'],
    ['a missing element', '[,{}]'],
    ['an array cut short after its element', '[{}'],
    ['an array cut short within its element', '[{"a":"]'],
    ['a string that never ends', '["a\\"]'],
    ['two values without a comma', '[{} {}]'],
    ['a member without a colon', '[{"a" 1}]'],
    ['a member without a value', '[{"a":}]'],
    ['a key without quotes', '[{a:1}]'],
    ['a comma too many', '[{"a":1,}]'],
    ['brackets that do not match', '[{"a":[1}]'],
    ['an array that a brace closes', '[[1}]'],
    ['a raw line break within a key', '[{"a\nb":1}]'],
    ['a misspelt escape within a key', '[{"a\\x":1}]'],
    ['the json member broken', '[{"json":{"a"}}]'],
    ['a byte order mark after whitespace', ' \ufeff[{}]'],
    ['a member twice', '[{"a":1,"b":2,"a":1}]'],
    ['a member twice, once escaped', '[{"a":1,"\\u0061":1}]'],
    ['a member twice within json', '[{"json":{"a":1,"a":1}}]'],
    ['a __proto__ member twice', '[{"__proto__":1,"__proto__":2}]'],
  ])('finds nothing in %s', (_what, body) => expect(slices(body)).toBeUndefined());

  it.each([
    ['null', '[null,{}]', 'null'],
    ['a string', '["a,]"]', '"a,]"'],
    ['a number', '[ -1.5e3 ]', '-1.5e3'],
    ['an array', '[[{"a":1},{"a":1}],2]', '[{"a":1},{"a":1}]'],
    ['an empty object', '[{}]', '{}'],
    [
      'an object with equal keys in different places',
      '[{"a":{"b":1},"b":{"a":1}}]',
      '{"a":{"b":1},"b":{"a":1}}',
    ],
  ])('finds %s', (_what, body, element) => expect(slices(body)).toEqual({ element }));

  it('takes nesting of any depth', () => {
    const depth = 1_000_000;
    const element = '['.repeat(depth) + ']'.repeat(depth);
    expect(firstElement(Buffer.from(`[${element}]`))?.element.length).toBe(2 * depth);
    const inner = `{"json":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
    expect(firstElement(Buffer.from(`[${inner}]`))?.element.length).toBe(inner.length);
    expect(firstElement(Buffer.from('['.repeat(depth)))).toBeUndefined();
  });

  it.each([
    [
      'members',
      (size: number) => `[{${Array.from({ length: size }, (_, at) => `"k${at}":1`).join(',')}}]`,
    ],
    ['members without a name', (size: number) => `[{${'"":1,'.repeat(size)}"z":1}]`],
    ['members within json', (size: number) => `[{"json":{${'"":1,'.repeat(size)}"z":1}}]`],
    ['escaped names', (size: number) => `[{${'"\\u006aso":1,'.repeat(size)}"z":1}]`],
    ['brackets', (size: number) => `[${'['.repeat(size)}`],
    ['quotes', (size: number) => `[${'"",'.repeat(size)}`],
    ['backslashes', (size: number) => `[{"a":"${'\\\\'.repeat(size)}`],
    ['whitespace', (size: number) => `[${' '.repeat(size)}`],
  ])('reads each byte a few times at most, and makes no text of any: %s', (_what, text) => {
    // Counted rather than timed: a slow machine must not read as a slow algorithm.
    const { body, work } = counting(text(4000));
    firstElement(body);
    expect(work.reads).toBeLessThan(4 * body.length);
    expect(work.texts).toBe(0);
  });
});

function firstOf(body: string): unknown {
  try {
    return (JSON.parse(body) as unknown[])[0];
  } catch {
    return undefined;
  }
}

/** A body that counts how many of its bytes are read, and how many texts are made of it. */
function counting(text: string): { body: Buffer; work: { reads: number; texts: number } } {
  const work = { reads: 0, texts: 0 };
  const body = new Proxy(Buffer.from(text), {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) work.reads++;
      if (key === 'toString') work.texts++;
      const found: unknown = Reflect.get(target, key);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
  return { body, work };
}
