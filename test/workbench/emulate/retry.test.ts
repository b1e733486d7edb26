import { describe, expect, it } from 'vitest';
import { retryAfter } from '../../../src/workbench/emulate/retry.js';

const HOUR = 3_600_000;
const wait = (
  vendor: 'segment' | 'rudderstack',
  status: number | undefined,
  attempts = 1,
  age = 0,
) => retryAfter(vendor, { status, attempts, age }, 0.5);

describe('RudderStack', () => {
  it('doubles ten seconds up to five minutes', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7].map((attempts) => wait('rudderstack', 503, attempts));
    expect(waits).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  });

  it.each([200, 204, 301, 400, 401, 404, 422])('is done after %d', (status) => {
    expect(wait('rudderstack', status)).toBeUndefined();
  });

  it('gives 5xx up after three hours and three attempts, 408 and 429 only after thirty days', () => {
    expect(wait('rudderstack', 500, 2, 4 * HOUR)).toBeDefined();
    expect(wait('rudderstack', undefined, 3, 4 * HOUR)).toBeUndefined();
    for (const status of [408, 429]) {
      expect(wait('rudderstack', status, 100, 719 * HOUR)).toBeDefined();
      expect(wait('rudderstack', status, 100, 721 * HOUR)).toBeUndefined();
    }
  });
});

describe('Segment', () => {
  it('waits for a random part of a time that doubles, for four hours', () => {
    expect([1, 2, 3, 20].map((attempts) => wait('segment', 429, attempts))).toEqual([
      1_000, 2_000, 4_000, 300_000,
    ]);
    expect(wait('segment', undefined, 5, 3.9 * HOUR)).toBeDefined();
    expect(wait('segment', 500, 5, 4.1 * HOUR)).toBeUndefined();
  });

  it.each([200, 301, 400, 401, 403, 408])('is done after %d', (status) => {
    expect(wait('segment', status)).toBeUndefined();
  });
});
