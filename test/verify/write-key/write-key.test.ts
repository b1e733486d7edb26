import { describe, expect, it } from 'vitest';
import { writeKey } from '../../../src/verify/write-key/write-key.js';
import { basicHeader, reasonOf, type SignedParts, verdictOf } from '../signed.js';

const FORM = ['Content-Type', 'application/x-www-form-urlencoded; charset=UTF-8'];

describe('write-key', () => {
  const verifier = writeKey({ scheme: 'write-key', secrets: ['WK', 'WK2'] });
  const passes = (parts: SignedParts): boolean => verdictOf(verifier, parts).passed;

  it.each(['WK:', 'WK:ignored', 'WK', 'WK2:'])('holds for the Basic user name of %s', (user) => {
    expect(passes({ rawHeaders: ['Authorization', basicHeader(user)] })).toBe(true);
  });

  it.each(['a=1&writeKey=WK', 'writeKey=WK', 'writeKey=wrong&writeKey=WK', 'writeKey=W%4B'])(
    'holds for the query %s',
    (query) => expect(passes({ method: 'GET', query })).toBe(true),
  );

  it.each([
    '{"writeKey":"WK"}',
    '\ufeff \n{ "type":"track", "writeKey" : "WK" , "a":{"b":[1]} }\n',
    '{"write\\u004bey":"\\u0057K"}',
    '{"writeKey":"no","writeKey":"WK"}',
  ])('holds for the JSON body %s', (body) => expect(passes({ body })).toBe(true));

  it('holds for the field of a form', () => {
    expect(passes({ rawHeaders: FORM, body: 'type=track&writeKey=WK' })).toBe(true);
  });

  it.each(['application/json', 'text/plain', undefined])(
    'holds for the field of a form with the content type %s, as the decoder takes it for a form',
    (type) => {
      const rawHeaders = type === undefined ? [] : ['Content-Type', type];
      expect(passes({ rawHeaders, body: 'writeKey=WK&type=track' })).toBe(true);
      expect(passes({ rawHeaders, body: '\n type=track&writeKey=WK' })).toBe(true);
      expect(passes({ rawHeaders, body: 'type=track&writeKey=no' })).toBe(false);
    },
  );

  it.each([
    ['nested deeper', '{"a":{"writeKey":"WK"}}'],
    ['in a batch item', '[{"writeKey":"WK"}]'],
    ['inside a string', '{"a":"\\"writeKey\\":\\"WK\\""}'],
    ['of another type', '{"writeKey":["WK"]}'],
    ['displaced by a later one', '{"writeKey":"WK","writeKey":"no"}'],
    ['empty', '{"writeKey":""}'],
    ['unlisted', '{"writeKey":"wk"}'],
    ['in JSON cut short', '{"writeKey":"WK","a":{'],
    ['before more text', '{"writeKey":"WK"} x'],
  ])('fails for a body key %s', (_what, body) => expect(passes({ body })).toBe(false));

  it('holds for a key among the first eight of its kind, wherever it comes in a body', () => {
    const others = (count: number): string => 'writeKey=no&a=1&'.repeat(count);
    for (const place of ['query', 'body'] as const) {
      expect(passes({ rawHeaders: FORM, [place]: `a=1&${others(7)}writeKey=WK` })).toBe(true);
      expect(passes({ rawHeaders: FORM, [place]: `a=1&${others(8)}writeKey=WK` })).toBe(false);
    }
    const lines = (count: number): string[] =>
      Array.from({ length: count }, () => ['Authorization', basicHeader('no')]).flat();
    const mine = ['Authorization', basicHeader('WK')];
    expect(passes({ rawHeaders: [...lines(7), ...mine] })).toBe(true);
    expect(passes({ rawHeaders: [...lines(8), ...mine] })).toBe(false);
  });

  it.each([
    ['a name that only ends so', 'mywriteKey=WK'],
    ['a name that only begins so', 'writeKeys=WK'],
    ['a value without a name', 'a=writeKey%3DWK'],
    ['a value where a key would be without its name', 'typeabcdeWK&awriteKey=no'],
    ['a value of no sensible length', `writeKey=WK${'%20'.repeat(2_000)}`],
  ])('fails for %s', (_what, form) => {
    expect(passes({ query: form })).toBe(false);
    expect(passes({ rawHeaders: FORM, body: form })).toBe(false);
  });

  it('holds for a key far into a form or a JSON body, since only its own length is limited', () => {
    const filler = `a=${'x'.repeat(9_000)}&`;
    expect(passes({ query: `${filler}writeKey=WK` })).toBe(true);
    expect(passes({ rawHeaders: FORM, body: `${filler}writeKey=WK&${filler}` })).toBe(true);
    expect(passes({ body: JSON.stringify({ a: filler, writeKey: 'WK', b: filler }) })).toBe(true);
  });

  it('holds for a key of 4,096 bytes as it was sent, and fails for one more', () => {
    const key = (length: number): string => 'k'.repeat(length);
    const long = writeKey({ scheme: 'write-key', secrets: [4_094, 4_095, 4_096, 4_097].map(key) });
    const read = (parts: SignedParts): boolean => verdictOf(long, parts).passed;
    expect([4_096, 4_097].map((size) => read({ query: `writeKey=${key(size)}` }))).toEqual([
      true,
      false,
    ]);
    // The quotes count as well.
    const json = [4_094, 4_095].map((size) => read({ body: `{"writeKey":"${key(size)}"}` }));
    expect(json).toEqual([true, false]);
  });

  it('reads a key that is percent-encoded, or written with plus signs', () => {
    const spaced = writeKey({ scheme: 'write-key', secrets: ['a key'] });
    for (const query of ['writeKey=a+key', 'x&writeKey=a%20ke%79&y']) {
      expect(verdictOf(spaced, { query }).passed).toBe(true);
    }
  });

  it('reads JSON labelled as a form as JSON', () => {
    expect(passes({ rawHeaders: FORM, body: '{"writeKey":"WK"}' })).toBe(true);
    expect(passes({ rawHeaders: FORM, body: '[1]&writeKey=WK' })).toBe(false);
  });

  it('says whether there was no key or an unlisted one', () => {
    expect(reasonOf(verdictOf(verifier, {}))).toBe(
      'no write key in Authorization: Basic, the query or the body',
    );
    expect(reasonOf(verdictOf(verifier, { query: 'writeKey=nope' }))).toBe(
      'the write key is not listed',
    );
  });

  it('reads no key from a Basic user without a name', () => {
    const odd = writeKey({ scheme: 'write-key', secrets: [':WK'] });
    const rawHeaders = ['Authorization', basicHeader(':WK')];
    expect(verdictOf(odd, { rawHeaders }).passed).toBe(false);
  });

  it('covers the whole delivery', () => {
    expect(verdictOf(verifier, { query: 'writeKey=WK' })).toEqual({ passed: true, covers: 'all' });
  });
});
