import { expect, it } from 'vitest';
import { judge } from '../../../bench/guard/verdict.js';

const rounds = (...ratios: number[]) => ratios.map((ratio) => ({ ours: ratio * 50, bare: 50 }));

it('passes while the median is at most a third above the committed ratio', () => {
  expect(judge(rounds(2.1, 3.9, 2.3), 1.8)).toEqual({
    ratio: 2.3,
    limit: 2.4,
    passes: true,
  });
});

it('fails above it, whatever a single round says', () => {
  expect(judge(rounds(1.8, 2.5, 2.6), 1.8).passes).toBe(false);
});

it('fails if nothing was measured', () => {
  expect(judge([], 1.8).passes).toBe(false);
});
