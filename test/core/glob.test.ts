import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../src/core/glob.js';

/** The definition itself: a star takes nothing, or one more character. */
function naive(glob: readonly string[], text: readonly string[]): boolean {
  const [wanted, ...rest] = glob;
  if (wanted === undefined) return text.length === 0;
  if (wanted === '*') return naive(rest, text) || (text.length > 0 && naive(glob, text.slice(1)));
  return text.length > 0 && (wanted === '?' || wanted === text[0]) && naive(rest, text.slice(1));
}

describe('compileGlob', () => {
  it('agrees with the naive definition', () => {
    const short = (alphabet: readonly string[]) =>
      fc.array(fc.constantFrom(...alphabet), { maxLength: 9 });
    fc.assert(
      fc.property(short(['a', 'b', '*', '?', '😀']), short(['a', 'b', '😀']), (glob, text) => {
        expect(compileGlob(glob.join(''))(text.join(''))).toBe(naive(glob, text));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['Order *', 'Order Completed', true],
    ['Order *', 'Order', false],
    ['order *', 'Order Completed', false],
    ['*', '', true],
    ['?', '😀', true],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['*Completed', 'Order Completed', true],
    ['*ed*', 'Order Completed twice', true],
    ['', '', true],
    ['', 'x', false],
  ])('%j on %j is %s', (glob, text, expected) => {
    expect(compileGlob(glob)(text)).toBe(expected);
  });

  it('takes no more steps than the product of the lengths', () => {
    const glob = compileGlob(`${'*a'.repeat(20)}b`);
    // Backtracking over every star would take longer than the universe has.
    expect(glob('a'.repeat(5_000))).toBe(false);
  });
});
