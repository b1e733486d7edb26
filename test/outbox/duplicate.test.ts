import { describe, expect, it } from 'vitest';
import { isDuplicate } from '../../src/outbox/duplicate.js';

const WINDOW = 1_000;
const known = { at: 5_000, authenticated: true };
const unproven = { at: 5_000, authenticated: false };

describe('an event is a duplicate or not', () => {
  it.each([
    ['nothing is known', undefined, true, 5_000, false],
    ['it is known since just now', known, true, 5_000, true],
    ['the window is nearly over', known, true, 5_999, true],
    ['the window is over', known, true, 6_000, false],
    ['the clock went back', known, true, 1_000, true],
    ['it is not authenticated and the first was', known, false, 5_001, true],
    ['neither is authenticated', unproven, false, 5_001, true],
    ['it is authenticated and the first was not', unproven, true, 5_001, false],
  ] as const)('where %s', (_, seen, authenticated, now, expected) => {
    expect(isDuplicate(seen, authenticated, now, WINDOW)).toBe(expected);
  });

  it('is none where the window is nothing', () => {
    expect(isDuplicate(known, true, 5_000, 0)).toBe(false);
  });
});
