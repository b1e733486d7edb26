import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trimInvisible, visible } from '../../src/event/visible.js';

/** A character of every kind that shows nothing. */
const INVISIBLE = [
  ...[
    '\0',
    '\t',
    '\n',
    '\r',
    '\x1b',
    '\x7f',
    '\x85',
    ' ',
    '\u00a0',
    '\u00ad',
    '\u034f',
    '\u061c',
    '\u115f',
  ],
  ...[
    '\u1160',
    '\u1680',
    '\u17b4',
    '\u17b5',
    '\u180e',
    '\u2000',
    '\u200b',
    '\u200d',
    '\u200e',
    '\u2028',
  ],
  ...[
    '\u2029',
    '\u202e',
    '\u202f',
    '\u205f',
    '\u2060',
    '\u2064',
    '\u206f',
    '\u2800',
    '\u3000',
    '\u3164',
  ],
  ...[
    '\ufe0f',
    '\ufeff',
    '\uffa0',
    '\ufff9',
    '\uffff',
    '\u{1d159}',
    '\u{1d173}',
    '\u{e0001}',
    '\u{e0100}',
  ],
];
const VISIBLE = ['a', '-', 'é', '東', '\u{1f600}', '\u0301', '\ud800', '\udfff', '\ufffd'];

describe('trimInvisible', () => {
  it.each(INVISIBLE)('takes %j off both ends, and leaves nothing of it alone', (character) => {
    expect(trimInvisible(character.repeat(3))).toBe('');
    expect(trimInvisible(`${character}a${character}b${character}${character}`)).toBe(
      `a${character}b`,
    );
  });

  it.each(VISIBLE)('leaves %j', (character) => {
    expect(trimInvisible(character)).toBe(character);
    expect(trimInvisible(`\u200b${character}\u{e0001}`)).toBe(character);
  });

  it('leaves what is between the first and the last that shows', () => {
    const end = fc.array(fc.constantFrom(...INVISIBLE)).map((all) => all.join(''));
    const middle = fc
      .array(fc.constantFrom(...INVISIBLE, ...VISIBLE))
      .map((all) => `x${all.join('')}x`);
    fc.assert(
      fc.property(end, middle, end, (before, text, after) => {
        expect(trimInvisible(before + text + after)).toBe(text);
      }),
    );
  });

  it('is done with a megabyte at once', () => {
    expect(trimInvisible(`${'\u200b '.repeat(500_000)}a${'\u200b '.repeat(500_000)}`)).toBe('a');
  });
});

describe('visible', () => {
  it('is what the gateway keeps: spaces inside, and nothing else that does not show', () => {
    for (const character of INVISIBLE) {
      expect(visible(` a${character}b `)).toBe(character === ' ' ? 'a b' : 'ab');
    }
    for (const character of VISIBLE) expect(visible(`a${character}b`)).toBe(`a${character}b`);
  });
});
