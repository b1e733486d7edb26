import { describe, expect, it } from 'vitest';
import {
  exceedsUnauthenticated,
  unauthenticatedWeight,
  weightOf,
} from '../../src/outbox/unauthenticated.js';
import { newQuarantined } from './samples.js';

const KB = 1024;

/** An unauthenticated entry whose two texts have so many bytes together. */
function entry(bytes: number, source = 'segment') {
  return newQuarantined({
    source,
    reason: 'unauthenticated',
    raw: 'x'.repeat(bytes - 2),
    delivery: '{}',
  });
}

describe('the weight of an unauthenticated entry', () => {
  it.each([
    [0, 1],
    [1, 1],
    [16 * KB, 1],
    [16 * KB + 1, 2],
    [32 * KB, 2],
    [32 * KB + 1, 3],
  ])('of %i bytes is %i', (bytes, weight) => {
    expect(weightOf('unauthenticated', bytes)).toBe(weight);
    expect(weightOf('invalid', bytes)).toBe(0);
  });

  it('counts the bytes of both texts', () => {
    expect([16 * KB, 16 * KB + 1].map((bytes) => unauthenticatedWeight(entry(bytes)))).toEqual([
      1, 2,
    ]);
    const wide = { reason: 'unauthenticated', raw: 'é'.repeat(8 * KB), delivery: '' };
    expect(unauthenticatedWeight(wide)).toBe(1);
    expect(unauthenticatedWeight({ ...wide, delivery: '1' })).toBe(2);
    expect(unauthenticatedWeight({ ...wide, reason: 'invalid' })).toBe(0);
  });
});

describe('the limit on unauthenticated entries', () => {
  const kept = (source: string): number => (source === 'segment' ? 2 : 0);

  it('allows exactly as much as it says, for each source', () => {
    const three = [entry(100), entry(16 * KB + 1)];
    expect(exceedsUnauthenticated(three, 5, kept)).toBe(false);
    expect(exceedsUnauthenticated(three, 4, kept)).toBe(true);
    const both = [...three, entry(100, 'web'), entry(100, 'web')];
    expect(exceedsUnauthenticated(both, 5, kept)).toBe(false);
    expect(exceedsUnauthenticated([...both, ...both], 5, () => 0)).toBe(true);
  });

  it('ignores a source that sends no such entry, however full it is', () => {
    const invalid = newQuarantined({ reason: 'invalid' });
    expect(exceedsUnauthenticated([invalid], 0, kept)).toBe(false);
    expect(exceedsUnauthenticated([], 0, kept)).toBe(false);
  });
});
