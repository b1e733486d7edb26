import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  jsonStart,
  lastMember,
  memberAt,
  objectMembers,
  skipRest,
  skipValue,
  stringAt,
} from '../../src/verify/json-scan.js';

const CLOSE_OBJECT = 0x7d;
const bytesOf = (text: string): Buffer => Buffer.from(text);

describe('jsonStart', () => {
  it.each([
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b], 3],
    ['a byte order mark and whitespace', [0xef, 0xbb, 0xbf, 0x20, 0x09, 0x0a, 0x0d, 0x7b], 7],
    ['whitespace', [0x20, 0x7b], 1],
    ['nothing', [0x7b], 0],
    ['a byte order mark alone', [0xef, 0xbb, 0xbf], 3],
    ['part of a byte order mark', [0xef, 0xbb, 0x7b, 0x7b], 0],
    ['another mark that ends alike', [0xef, 0xba, 0xbf, 0x7b], 0],
    ['another mark that goes on alike', [0xee, 0xbb, 0xbf, 0x7b], 0],
  ])('skips %s', (_what, bytes, start) => {
    expect(jsonStart(Buffer.from(bytes))).toBe(start);
  });
});

describe('skipValue', () => {
  it.each([
    '0',
    '9',
    '-1.5E+2',
    'a',
    'z',
    'true',
    '""',
    '"\\""',
    '"\\\\"',
    '{}',
    '[]',
    '[[],{"a":"]"}]',
  ])('returns the offset after %s', (text) => {
    expect(skipValue(bytesOf(`x${text}]`), 1)).toBe(1 + text.length);
    expect(skipValue(bytesOf(text), 0)).toBe(text.length);
  });

  it.each(['', ']', ',', '/', ':', '`', '{', 'D', 'F', '"', '"\\"', '[', '[}', '{]', '["]'])(
    'finds no value in %j',
    (text) => expect(skipValue(bytesOf(text), 0)).toBe(-1),
  );
});

describe('skipRest', () => {
  it('returns the offset after the bracket that closes the container', () => {
    expect(skipRest(bytesOf('{"a":1,"b":[{}]} '), 6, CLOSE_OBJECT)).toBe(16);
    expect(skipRest(bytesOf('}'), 0, CLOSE_OBJECT)).toBe(1);
    expect(skipRest(bytesOf(']'), 0, CLOSE_OBJECT)).toBe(-1);
    expect(skipRest(bytesOf('"}'), 0, CLOSE_OBJECT)).toBe(-1);
    expect(skipRest(bytesOf('{}'), 0, CLOSE_OBJECT)).toBe(-1);
  });
});

describe('lastMember', () => {
  const found = (text: string): string | undefined => {
    const bytes = bytesOf(text);
    const member = lastMember(bytes, 0, 'key');
    return member && `${bytes.toString('utf8', member.start, member.end)} ${member.after}`;
  };

  it.each([
    ['{"key":1}', '1 9'],
    ['{"key":1,"key":[2]} x', '[2] 19'],
    ['{"a":{"key":1},"key":{"key":2}}', '{"key":2} 31'],
    ['{"\\u006bey" : "\\"" , "a":"key"}', '"\\"" 31'],
    ['{"\\u006B\\u0065y":1}', '1 19'],
    ['{"a":"key","key":3}', '3 19'],
  ])('finds the value in %s', (text, expected) => expect(found(text)).toBe(expected));

  it.each([
    '{}',
    '{"a":1}',
    '{"keys":1}',
    '{"ke":1}',
    '{"a":"key"}',
    '{"a":["key",1]}',
    '{"a":{"key":1}}',
    '{"\\u006g\\u0065y":1}',
    '{"\\n006bey":1}',
    // Digits beyond those of hexadecimal numbers would add up to the same code.
    '{"\\u005rey":1}',
    '{"\\u006[ey":1}',
    '{"key":1,"key":',
    '{"key":1',
    '{"key":',
    '{"key',
    '{"key":"1}',
  ])('finds none in %s', (text) => expect(found(text)).toBeUndefined());

  it('agrees with JSON.parse on every object', () => {
    const names = fc.constantFrom('key', 'ke', 'keys', 'a', '\\u006bey', '\\"key');
    const members = fc.array(fc.tuple(names, fc.json({ maxDepth: 2 })), { maxLength: 5 });
    fc.assert(
      fc.property(members, (list) => {
        const text = `{${list.map(([name, value]) => `"${name}":${value}`).join(', ')}}`;
        const member = lastMember(bytesOf(text), 0, 'key');
        const { key } = JSON.parse(text) as { readonly key?: unknown };
        const value =
          member && JSON.parse(bytesOf(text).toString('utf8', member.start, member.end));
        expect(value).toEqual(key);
        if (member !== undefined) expect(member.after).toBe(bytesOf(text).length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('memberAt and objectMembers', () => {
  it('return each member where it is', () => {
    const bytes = bytesOf('{ "a" : 1 ,"\\u0062":[2], "a":"3" } ');
    const members = objectMembers(bytes, 0);
    const texts = members?.members.map(
      ({ key, start, end }) => `${key} ${bytes.toString('utf8', start, end)}`,
    );
    expect(texts).toEqual(['a 1', 'b [2]', 'a "3"']);
    expect(members?.end).toBe(bytes.length - 1);
    expect(memberAt(bytes, 2, 'a')).toMatchObject({ start: 8, end: 9, isNamed: true });
    expect(memberAt(bytes, 11, 'a')).toMatchObject({ isNamed: false });
    expect(memberAt(bytes, 1, 'a')).toBeUndefined();
    expect(memberAt(bytesOf('"\\u006a":1'), 0, 'j')).toMatchObject({ isNamed: true });
    expect(memberAt(bytesOf('"\\u006:":1'), 0, 'j')).toMatchObject({ isNamed: false });
    expect(memberAt(bytesOf('"\\u006/":1'), 0, '_')).toMatchObject({ isNamed: false });
    expect(objectMembers(bytesOf('{ }'), 0)).toEqual({ members: [], end: 3 });
  });

  it.each([
    '[]',
    '{"a":1',
    '{"a":1]',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    '{"a":1,}',
    '{"a":1 "b":2}',
    '{"a":1;"b":2}',
  ])('find no members in %s', (text) => expect(objectMembers(bytesOf(text), 0)).toBeUndefined());
});

describe('stringAt', () => {
  it.each([
    ['"a\\u0062"', 'ab'],
    ['""', ''],
    ['1', undefined],
    ['"a', undefined],
    ['"a"b"', undefined],
  ])('reads %s as %s', (text, expected) => {
    expect(stringAt(bytesOf(text), 0, text.length)).toBe(expected);
  });
});
