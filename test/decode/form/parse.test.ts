import fc from 'fast-check';
import qs from 'qs';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeForm, looksLikeForm } from '../../../src/decode/form/parse.js';
import { LIMITS } from '../../../src/decode/limits.js';
import { refusalOf } from '../refusal.js';

const decode = (text: string) => decodeForm(text, LIMITS);

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('the fields of a form', () => {
  it.each([
    ['a=1&b=true&c=', { a: '1', b: 'true', c: '' }],
    ['sp+ace%26=%C3%BC%2B+x', { 'sp ace&': 'ü+ x' }],
    ['flag&&=empty&', { flag: '', '': 'empty' }],
    ['a=b=c]=d', { a: 'b=c]=d' }],
    ['tags=a&tags=b', { tags: ['a', 'b'] }],
    ['a.b=1', { 'a.b': '1' }],
    ['a[b]=1&a%5Bc.d%5D=2', { a: { b: '1', 'c.d': '2' } }],
    ['a[]=1&a[]=2', { a: ['1', '2'] }],
    ['a[1]=b&a[0]=a&a[]=c', { a: ['a', 'b', 'c'] }],
    ['p[0][id]=1&p[0][q]=2&p[1][id]=3', { p: [{ id: '1', q: '2' }, { id: '3' }] }],
    ['p[][id]=1&m[0][]=a&m[0][]=b', { p: [{ id: '1' }], m: [['a', 'b']] }],
    ['a=1&a[b]=2&a[c]=3', { a: ['1', { b: '2', c: '3' }] }],
    ['a[01]=x&a[-1]=y', { a: { '01': 'x', '-1': 'y' } }],
    [
      'a[b=1&a]b=2&a[b]c=3&a[[b]]=4&a[[b]=5',
      { 'a[b': '1', 'a]b': '2', 'a[b]c': '3', 'a[[b]]': '4', 'a[[b]': '5' },
    ],
    [' a=1\r\n', { a: '1' }],
  ])('become an object: %j', (text, value) => {
    expect(decode(text)).toStrictEqual(value);
  });

  it('are parsed where they are JSON objects or arrays, and stay texts otherwise', () => {
    const properties = JSON.stringify({ id: '7', n: 1, deep: [{ x: null }] });
    const text = new URLSearchParams({
      properties,
      tags: ' ["a"]',
      n: '7',
      b: 'true',
      s: '"s"',
      broken: '{a}',
    });
    expect(decode(text.toString())).toEqual({
      properties: { id: '7', n: 1, deep: [{ x: null }] },
      tags: ['a'],
      n: '7',
      b: 'true',
      s: '"s"',
      broken: '{a}',
    });
  });

  it.each(['a[4294967295]=x', 'a[999999999]=x', 'a[18446744073709551616]=x'])(
    'close up over missing elements, whatever the index: %s',
    (text) => expect(decode(text)).toEqual({ a: ['x'] }),
  );

  it('stay an array however many there are', () => {
    const text = Array.from({ length: 3_000 }, (_, index) => `a[${index}]=${index}`).join('&');
    expect(decode(text)['a']).toEqual(Array.from({ length: 3_000 }, (_, index) => String(index)));
  });

  it('keep names that every object inherits', () => {
    const value = decode('toString=1&a[hasOwnProperty]=2&constructor=3');
    expect(JSON.stringify(value)).toBe(
      '{"toString":"1","a":{"hasOwnProperty":"2"},"constructor":"3"}',
    );
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(value['a'])).toBe(Object.prototype);
  });

  it.each([
    '__proto__=1&b=1',
    '__proto__[polluted]=1&b=1',
    'constructor[prototype][polluted]=1&b=1',
    '__proto__={"polluted":1}&b=1',
    'constructor={"prototype":{}}&b=1',
  ])('lose prototype keys: %s', (text) => {
    const value = decode(text);
    expect(JSON.stringify(value)).toBe('{"b":"1"}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('lose prototype keys inside JSON', () => {
    expect(JSON.stringify(decode('a={"__proto__":{"x":1},"b":[{"__proto__":1}]}'))).toBe(
      '{"a":{"b":[{}]}}',
    );
  });

  it('are what qs reads, for names and brackets that both take the same way', () => {
    const key = fc
      .tuple(
        fc.constantFrom('a', 'b', 'c d'),
        fc.array(fc.constantFrom('[x]', '[y.z]', '[0]', '[1]', '[2]'), { maxLength: 3 }),
      )
      .map(([name, brackets]) => name + brackets.join(''));
    // One key that leads to another (`a` and `a[x]`) is a conflict, which each resolves in its own way; so is an object
    // with both names and indexes.
    const keys = fc
      .uniqueArray(key, { maxLength: 8 })
      .map((all) =>
        all.filter((one) => !all.some((other) => other !== one && other.startsWith(`${one}[`))),
      );
    fc.assert(
      fc.property(keys, (names) => {
        const text = names.map((name, index) => `${encodeURIComponent(name)}=v${index}`).join('&');
        const expected = qs.parse(text, { depth: 10, allowPrototypes: true });
        expect(JSON.parse(JSON.stringify(decode(text)))).toEqual(expected);
      }),
    );
  });
});

describe('the escapes of a form', () => {
  it.each([
    ['a=100%&b=%zz', { a: '100%', b: '%zz' }],
    ['a=50%+off+%C3%A9', { a: '50% off é' }],
  ])('are taken as they stand where a percent sign starts none: %s', (text, value) => {
    expect(decode(text)).toEqual(value);
  });

  it('are refused where they are not UTF-8, by the position of the field', () => {
    const error = refusalOf(() => decode('ok=1&secret=%E9'));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).toContain('field 2 ');
    expect(error.message).not.toContain('secret');
  });
});

describe('the limits of a form', () => {
  const few = { ...LIMITS, keys: 3, depth: 3 };

  it.each(['a=1&b=2&c=3&d=4', 'a=1&a=2&a=3&a=4', 'a[b][c][d]=1', 'a={"b":1,"c":2,"d":3}'])(
    'refuse too many keys: %s',
    (text) => {
      expect(refusalOf(() => decodeForm(text, few))).toMatchObject({
        code: 'LIMIT_EXCEEDED',
        status: 400,
      });
    },
  );

  it('refuse too many levels, JSON in values included', () => {
    const flat = { ...LIMITS, depth: 3 };
    expect(decodeForm('a[b][c]=1', flat)).toEqual({ a: { b: { c: '1' } } });
    expect(decodeForm('a[b][c][d]e=1', flat)).toEqual({ 'a[b][c][d]e': '1' });
    for (const text of [
      'a[b][c][d]=1',
      'a[b][c]={}',
      'a={"b":[[]]}',
      `a${'[x]'.repeat(10_000)}=1`,
      `a=${'['.repeat(10_000)}${']'.repeat(10_000)}`,
    ]) {
      expect(refusalOf(() => decodeForm(text, flat)).code).toBe('LIMIT_EXCEEDED');
    }
  });
});

describe('a text without a label', () => {
  it.each(['a=1', 'a=1&b=2\n', 'a%20b=', 'a[b]=1'])('looks like a form: %j', (text) => {
    expect(looksLikeForm(text)).toBe(true);
  });

  it.each(['hello', 'a = 1', '=1', 'a=1 b', ''])('does not look like a form: %j', (text) => {
    expect(looksLikeForm(text)).toBe(false);
  });
});
