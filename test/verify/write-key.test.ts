import { describe, expect, it } from 'vitest';
import { writeKey } from '../../src/verify/write-key.js';
import { basicHeader, reasonOf, type SignedParts, verdictOf } from './signed.js';

const FORM = ['Content-Type', 'application/x-www-form-urlencoded; charset=UTF-8'];

describe('write-key', () => {
  const verifier = writeKey({ scheme: 'write-key', secrets: ['WK', 'WK2'] });
  const holds = (parts: SignedParts): boolean => verdictOf(verifier, parts).holds;

  it.each(['WK:', 'WK:ignored', 'WK', 'WK2:'])('holds for the Basic user name of %s', (user) => {
    expect(holds({ rawHeaders: ['Authorization', basicHeader(user)] })).toBe(true);
  });

  it.each(['a=1&writeKey=WK', 'writeKey=WK', 'writeKey=wrong&writeKey=WK', 'writeKey=W%4B'])(
    'holds for the query %s',
    (query) => expect(holds({ method: 'GET', query })).toBe(true),
  );

  it.each([
    '{"writeKey":"WK"}',
    '\ufeff \n{ "type":"track", "writeKey" : "WK" , "a":{"b":[1]} }\n',
    '{"write\\u004bey":"\\u0057K"}',
    '{"writeKey":"no","writeKey":"WK"}',
  ])('holds for the JSON body %s', (body) => expect(holds({ body })).toBe(true));

  it('holds for the field of a form', () => {
    expect(holds({ rawHeaders: FORM, body: 'type=track&writeKey=WK' })).toBe(true);
  });

  it.each([
    ['nested deeper', '{"a":{"writeKey":"WK"}}'],
    ['in a batch item', '[{"writeKey":"WK"}]'],
    ['inside a string', '{"a":"\\"writeKey\\":\\"WK\\""}'],
    ['of another type', '{"writeKey":["WK"]}'],
    ['displaced by a later one', '{"writeKey":"WK","writeKey":"no"}'],
    ['empty', '{"writeKey":""}'],
    ['unlisted', '{"writeKey":"wk"}'],
    ['in JSON cut short', '{"writeKey":"WK","a":{'],
    ['before a stray comma', '{"writeKey":"WK",}'],
    ['before more text', '{"writeKey":"WK"} x'],
    ['in a form that is not called one', 'writeKey=WK'],
  ])('fails for a body key %s', (_what, body) => expect(holds({ body })).toBe(false));

  it('reads JSON labelled as a form as JSON', () => {
    expect(holds({ rawHeaders: FORM, body: '{"writeKey":"WK"}' })).toBe(true);
    expect(holds({ rawHeaders: FORM, body: '[1]&writeKey=WK' })).toBe(false);
  });

  it('says whether there was no key or an unlisted one', () => {
    expect(reasonOf(verdictOf(verifier, {}))).toBe(
      'no write key in Authorization: Basic, the query or the body',
    );
    expect(reasonOf(verdictOf(verifier, { query: 'writeKey=nope' }))).toBe(
      'the write key is not listed',
    );
  });

  it('covers the whole delivery', () => {
    expect(verdictOf(verifier, { query: 'writeKey=WK' })).toEqual({ holds: true, covers: 'all' });
  });
});
