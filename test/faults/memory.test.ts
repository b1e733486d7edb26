import { expect, it } from 'vitest';
import { quarters } from './memory.js';

it('compares the medians of the second and the last quarter, without the warm-up and without teeth', () => {
  const warmUp = [1, 2, 3, 4];
  expect(quarters([...warmUp, 100, 100, 900, 100, 0, 0, 0, 0, 105, 500, 105, 90])).toEqual({
    second: 100,
    last: 105,
  });
});

it('sees what grows all the time', () => {
  const { second, last } = quarters(Array.from({ length: 100 }, (_, at) => 100 + at));
  expect(last).toBeGreaterThan(second * 1.1);
});
