import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oneLine, printable, printableJson } from '../../src/core/printable.js';

// Controls, line separators, surrogates that stand alone, and format characters but the joiner of emoji.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff]/u;

describe('printable', () => {
  it.each([
    ['\u001b[31m', '\\u001b[31m'],
    ['a\u009bb', 'a\\u009bb'],
    ['\ud800', '\\ud800'],
    ['a\udfff', 'a\\udfff'],
    ['\u{e0041}', '\\udb40\\udc41'],
    ['👩‍👧 東京', '👩‍👧 東京'],
  ])('shows %j as %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('cuts what is longer than asked for', () => {
    expect(printable('abcdef', 3)).toBe('abc…');
    expect(printable('abc', 3)).toBe('abc');
  });

  it('leaves nothing unsafe in any text', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), fc.nat(20), (codes, longest) => {
        const text = String.fromCharCode(...codes);
        expect(printable(text, longest)).not.toMatch(UNSAFE);
      }),
    );
  });
});

describe('printableJson', () => {
  it('is one safe line that means the same, however the JSON was laid out', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ stringUnit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
        fc.nat(2),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          const shown = printableJson(text);
          expect(JSON.parse(shown)).toEqual(JSON.parse(text));
          expect(shown).not.toMatch(UNSAFE);
        },
      ),
    );
  });
});

describe('oneLine', () => {
  it('trims lines and joins them by a space', () => {
    expect(oneLine(' a\r\n\n  b  c\n')).toBe('a b  c');
  });

  it('escapes what controls a terminal, and cuts', () => {
    expect(oneLine('\u001b[31m\nred')).toBe('\\u001b[31m red');
    expect(oneLine('abc\ndef', 5)).toBe('abc d…');
  });
});
