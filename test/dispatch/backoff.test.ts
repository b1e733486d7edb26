import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoff, waitAfter } from '../../src/dispatch/backoff.js';

const config = { initial: 1_000, max: 300_000 };
const longest = () => 1;
const shortest = () => 0;

describe('backoff', () => {
  it('doubles from initial up to max', () => {
    const waits = [1, 2, 3, 4, 9, 10, 11].map((n) => backoff(n, config, longest));
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000]);
  });

  it('never takes more than half off', () => {
    expect(backoff(3, config, shortest)).toBe(2_000);
  });

  it('stays a number after years of failures', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat({ max: 1_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (n, i, r) => {
          const wait = backoff(n, { initial: i, max: 300_000 }, () => r);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(300_000);
        },
      ),
    );
  });
});

describe('waitAfter', () => {
  it('waits as long as the far side asked, where that is longer', () => {
    const asked = { retryAfter: 600_000, left: 86_400_000 };
    expect(waitAfter(1, config, longest, asked)).toBe(600_000);
    expect(waitAfter(5, config, longest, { ...asked, retryAfter: 10 })).toBe(16_000);
  });

  it('never waits past the time the event is given up', () => {
    expect(waitAfter(5, config, longest, { retryAfter: 600_000, left: 42 })).toBe(42);
    expect(waitAfter(5, config, longest, { retryAfter: 0, left: -1 })).toBe(0);
  });

  it('takes a time that is none for not asked', () => {
    for (const retryAfter of [Number.NaN, Number.POSITIVE_INFINITY, -5]) {
      expect(waitAfter(1, config, longest, { retryAfter, left: 86_400_000 })).toBe(1_000);
    }
  });
});
