import { describe, expect, it } from 'vitest';
import { LIMITS, type Limits } from '../../../src/decode/limits.js';
import { decodeQuery, type QueryOptions } from '../../../src/decode/query/parse.js';
import { queryOf, wireCases } from '../wire-cases.js';

function decode(query: string, options: Partial<QueryOptions> = {}) {
  return decodeQuery(query, { types: 'strings', limits: LIMITS, ...options });
}

function withLimits(limits: Partial<Limits>): Partial<QueryOptions> {
  return { limits: { ...LIMITS, ...limits } };
}

describe('the structure of a query', () => {
  it.each([
    ['a=1&b.c=2', { a: '1', b: { c: '2' } }],
    ['products[0].id=p1&products[1].id=p2', { products: [{ id: 'p1' }, { id: 'p2' }] }],
    ['m%5B0%5D%5B1%5D=b&m%5B0%5D%5B0%5D=a', { m: [['a', 'b']] }],
    ['[1]=b&[0].a=x', [{ a: 'x' }, 'b']],
    ['sp+ace%26%3D%3F%2F%C3%A9=%C3%BC%2B%26', { 'sp ace&=?/é': 'ü+&' }],
    ['flag&empty=', { flag: '', empty: '' }],
    ['a=b=c&&d=e&', { a: 'b=c', d: 'e' }],
    ['%F0%9F%98%80=%00', { '😀': '\0' }],
    ['=text', { '': 'text' }],
    ['a[2]=c', { a: [null, null, 'c'] }],
    ['a[1][1]=x', { a: [null, [null, 'x']] }],
  ])('reads %s', (query, value) => {
    expect(decode(query)).toEqual({ value, collisions: [] });
  });

  it.each([
    'a[',
    'a]',
    'a]b',
    'a[x]',
    'a[]',
    'a[-1]',
    'a[01]',
    'a[0]b',
    'a[0',
    'a..b',
    '.a',
    'No.',
    '.',
    '..',
    'a[0].',
    'a[1.5]',
    'a[b.c]d',
    '[.]',
    'a[4294967295]',
    '[4294967295]',
    'a[1000]',
    'a[99999999999999999999]',
  ])('keeps %s, which the flattening cannot mean as structure, as a name', (key) => {
    expect(decode(`${encodeURIComponent(key)}=1`).value).toEqual({ [key]: '1' });
  });

  it('keeps an odd part of a key as the name of a member', () => {
    expect(decode('prices.usd[gross]=1&prices.[0]=2').value).toEqual({
      prices: { 'usd[gross]': '1', '[0]': '2' },
    });
  });

  it('takes an index as high as there are parameters, and as high as it is told', () => {
    const many = Array.from({ length: 1500 }, (_, index) => `a[${index}]=${index}`).join('&');
    expect(decode(many).value).toEqual({
      a: Array.from({ length: 1500 }, (_, index) => `${index}`),
    });
    expect(decode('a[999]=x').value).toHaveProperty('a.length', 1000);
    expect(decode('a[2]=x&a[3]=y', { maxIndex: 2 }).value).toEqual({
      a: [null, null, 'x'],
      'a[3]': 'y',
    });
  });

  it.each(['', '&&'])('says nothing in %j', (query) => {
    expect(decode(query)).toEqual({ value: undefined, collisions: [] });
  });

  it.each(['strings', 'infer', 'spec'] as const)('says that there is no data, as %s', (types) => {
    for (const empty of ['=%3Cnil%3E', '=<nil>', '=%5B%5D', '=[]', '=%7B%7D', '={}']) {
      expect(decode(empty, { types })).toEqual({ value: {}, collisions: [] });
      // Parameters of the configured URL may be beside it.
      expect(decode(`${empty}&src=x`, { types }).value).toEqual({ src: 'x' });
      expect(decode(`src=x&${empty}`, { types }).value).toEqual({ src: 'x' });
    }
  });

  it('parts no key between brackets that match', () => {
    for (const name of ['a[1.5]', 'a[b.c]', '[1.5]', 'a[[1.5]]', 'a[[1.5].x]', 'a[1.5][2.5]b']) {
      expect(decode(`${name}=1`).value).toEqual({ [name]: '1' });
      expect(decode(`x.${name}.y.z=1`).value).toEqual({ x: { [name]: { y: { z: '1' } } } });
    }
    // These match nothing, and part at the dot as everywhere.
    for (const [name, value] of [
      ['a[1.5', { 'a[1': { 5: '1' } }],
      ['a]1.5]', { 'a]1': { '5]': '1' } }],
      ['a[[1.5]', { 'a[[1.5]': '1' }],
      ['a[x].b', { 'a[x]': { b: '1' } }],
    ] as const) {
      expect(decode(`${name}=1`).value).toEqual(value);
    }
  });
});

describe('collisions in a query', () => {
  it.each([
    ['a=1&a.b=2', { a: { b: '2' } }, ['a']],
    ['a.b=2&a=1', { a: { b: '2' } }, ['a']],
    ['a=1&a[0]=2', { a: ['2'] }, ['a']],
    ['a[0]=2&a=1', { a: ['2'] }, ['a']],
    ['a.b=1&a[0]=2', { a: { b: '1', '[0]': '2' } }, ['a[0]']],
    ['a[0]=2&a.b=1', { a: { b: '1', '[0]': '2' } }, ['a[0]']],
    ['a[0].x=2&a.b=1&a.[0]=3', { a: { b: '1', '[0]': '3' } }, ['a[0]']],
    ['[0]=x&src=rudder', { '[0]': 'x', src: 'rudder' }, ['[0]']],
    ['x.y=1&x.y.z=2&p[0]=1&p[0].q=2', { x: { y: { z: '2' } }, p: [{ q: '2' }] }, ['p[0]', 'x.y']],
  ])('of %s leave the object and are listed', (query, value, collisions) => {
    expect(decode(query)).toEqual({ value, collisions });
  });

  it('of a repeated key leave the last value: the URL comes first, the event last', () => {
    expect(decode('src=rudder&src=ev&z=1&z=1')).toEqual({
      value: { src: 'ev', z: '1' },
      collisions: ['src'],
    });
  });
});

describe('a hostile query', () => {
  it.each(['a=%', 'a=%zz', 'a=%C3', '%FF=1', 'a=%ED%A0%80', 'a=%C0%AF'])(
    'is refused where it is not UTF-8 (%s), without its text in the error',
    (query) => {
      const code = 'QUERY_MALFORMED';
      expect(() => decode(`secret=x&${query}`)).toThrow(
        expect.objectContaining({ code, status: 400 }),
      );
      expect(() => decode(`secret=x&${query}`)).toThrow(/^parameter 2 of the query is not/);
    },
  );

  it.each([
    ['__proto__.polluted=1', {}],
    ['a.__proto__.polluted=1&a.b=2', { a: { b: '2' } }],
    ['__proto__=1&b=2', { b: '2' }],
    ['__proto__[0]=1&b=2', { b: '2' }],
    ['constructor.prototype.polluted=1&b=2', { b: '2' }],
    ['constructor=x&prototype.y=z', { constructor: 'x', prototype: { y: 'z' } }],
  ])('never reaches a prototype: %s', (query, value) => {
    expect(decode(query).value).toEqual(value);
    expect({}).not.toHaveProperty('polluted');
    expect(Object.getPrototypeOf(decode(query).value)).toBe(Object.prototype);
  });

  it('is refused beyond the depth and the number of keys', () => {
    const refused = expect.objectContaining({ code: 'LIMIT_EXCEEDED', status: 400 });
    const nested = (levels: number) => Array(levels).fill('a').join('.');
    expect(() => decode(`${nested(100)}=1`)).not.toThrow();
    expect(() => decode(`${nested(101)}=1`)).toThrow(refused);
    expect(() => decode('a=1&b=2&c=3', withLimits({ keys: 3 }))).not.toThrow();
    expect(() => decode('a=1&b=2&c=3&d=4', withLimits({ keys: 3 }))).toThrow(refused);
    expect(() => decode('a.b.c.d=1', withLimits({ keys: 3 }))).toThrow(refused);
    // The missing elements of an array count as well.
    expect(() => decode('a[0]=1&a[2]=1', withLimits({ keys: 4 }))).not.toThrow();
    expect(() => decode('a[0]=1&a[2]=1', withLimits({ keys: 3 }))).toThrow(refused);
    expect(() => decode('a.b[0]=1', withLimits({ depth: 3 }))).not.toThrow();
    expect(() => decode('a.b[0].c=1', withLimits({ depth: 3 }))).toThrow(refused);
  });

  it('cannot make arrays of missing elements without end', () => {
    const query = Array.from({ length: 200 }, (_, index) => `a${index}[999]=1`).join('&');
    expect(() => decode(query)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });
});

describe('every GET and DELETE of the vectors', () => {
  const cases = wireCases().filter(({ delivery }) => delivery.body === '');

  it('is there', () => expect(cases).toHaveLength(13));

  // What the event held where no receiver could know: keys that look like structure, texts that look like booleans or
  // numbers, parameters of the configured URL, and traits that RudderStack took from the context.
  const unknowable: Record<string, object> = {
    'GET track nested properties': { dotted: { key: 'v' }, br: ['w'], order_id: 1, strtrue: true },
    'DELETE track nested properties': {
      dotted: { key: 'v' },
      br: ['w'],
      order_id: 1,
      strtrue: true,
    },
    'GET url already has query incl same key': { z: 1 },
    'GET appendPath with query': { q: 2 },
    'GET identify context.traits': { plan: 'Enterprise', company: { id: 'company-A' } },
  };

  it.each(cases)('infers what the event held: $name', ({ name, event, delivery }) => {
    const { value } = decode(queryOf(delivery), { types: 'infer' });
    const held = event[event['type'] === 'identify' ? 'traits' : 'properties'] ?? {};
    const expected: Record<string, unknown> = { ...(held as object), ...unknowable[name] };
    if (expected['dotted'] !== undefined) {
      delete expected['dotted.key'];
      delete expected['br[0]'];
    }
    expect(value ?? {}).toEqual(expected);
  });

  it.each(cases)('is all strings, as received: $name', ({ delivery }) => {
    const { value } = decode(queryOf(delivery), { types: 'strings' });
    const leaves: unknown[] = [];
    JSON.stringify(value ?? {}, (_key, part) => {
      if (typeof part !== 'object') leaves.push(part);
      return part;
    });
    expect(leaves.every((leaf) => typeof leaf === 'string')).toBe(true);
    const received = [...new URLSearchParams(queryOf(delivery))].filter(([key]) => key !== '');
    // Of the repeated `src` only the event's is left.
    expect(leaves.sort()).toEqual([...new Map(received).values()].sort());
  });
});
