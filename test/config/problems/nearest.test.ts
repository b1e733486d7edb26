import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance, nearest, suggestion } from '../../../src/config/problems/nearest.js';
import { quoted, shownKey } from '../../../src/config/problems/pointer.js';

describe('distance', () => {
  it.each([
    ['verfy', 'verify', 1],
    ['verifiy', 'verify', 1],
    ['verifx', 'verify', 1],
    ['veirfy', 'verify', 1],
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['BodyLimit', 'bodylimit', 0],
  ])('from %j to %j is %d', (from, to, edits) => {
    expect(distance(from, to)).toBe(edits);
  });

  it('is symmetric, and at most the length of the longer word', () => {
    const word = fc.string({ maxLength: 12 }).map((text) => text.toLowerCase());
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

describe('nearest', () => {
  it('is the closest known word, or none where all are far', () => {
    expect(nearest('htpp', ['file', 'http', 'stdout'])).toBe('http');
    expect(nearest('kafka', ['file', 'http', 'stdout'])).toBeUndefined();
  });

  it('does not compare what is too long to be a misspelling', () => {
    expect(nearest('x'.repeat(1_000_000), ['http'])).toBeUndefined();
    expect(nearest('x'.repeat(64), ['x'.repeat(65)])).toBe('x'.repeat(65));
    expect(nearest('x'.repeat(65), ['x'.repeat(65)])).toBeUndefined();
  });

  it('allows two edits in five characters, and not three', () => {
    expect(nearest('abcde', ['abcxy'])).toBe('abcxy');
    expect(nearest('abcde', ['abxyz'])).toBeUndefined();
    expect(nearest('abcde', ['abcdx', 'abcdy'])).toBe('abcdx');
  });
});

describe('quoted', () => {
  it('shows 64 characters of a text and cuts a longer one', () => {
    expect(quoted('x'.repeat(64))).toBe(`"${'x'.repeat(64)}"`);
    expect(quoted('x'.repeat(65))).toBe(`"${'x'.repeat(64)}..."`);
    expect(shownKey('x'.repeat(64))).toBe('x'.repeat(64));
    expect(shownKey('x'.repeat(65))).toBe(`"${'x'.repeat(64)}..."`);
  });
});

describe('suggestion', () => {
  it('lists what is known where nothing is close', () => {
    expect(suggestion('kafka', ['file', 'http'])).toBe('; known are file, http');
  });
});
