import { describe, expect, it } from 'vitest';
import { median, percentile, ratioOf, spreadOf } from '../../bench/statistics.js';

describe('a median', () => {
  it('is the number in the middle, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is the mean of the two in the middle of an even count', () => {
    expect(median([4, 1, 2, 10])).toBe(3);
  });

  it('is no number without numbers', () => {
    expect(median([])).toBeNaN();
  });
});

describe('a spread', () => {
  it('has the median and both ends', () => {
    expect(spreadOf([3, 9, 4])).toEqual({ median: 4, min: 3, max: 9 });
  });
});

describe('a ratio', () => {
  it('is that of the medians, with the range of the single rounds', () => {
    expect(ratioOf([10, 20, 30], [10, 40, 40])).toEqual({ median: 0.5, min: 0.5, max: 1 });
  });
});

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  it('is the nearest rank', () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 0.999)).toBe(100);
    expect(percentile(hundred, 0)).toBe(1);
  });

  it('is the only number there is', () => {
    expect(percentile([7], 0.5)).toBe(7);
    expect(percentile([7], 0.999)).toBe(7);
  });

  it('is no number without numbers', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});
