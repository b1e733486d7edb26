import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance, nearest, suggestion } from '../../src/config/nearest.js';

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
  });
});

describe('suggestion', () => {
  it('lists what is known where nothing is close', () => {
    expect(suggestion('kafka', ['file', 'http'])).toBe('; known are file, http');
  });
});
