import { describe, expect, it } from 'vitest';
import {
  linePath,
  nearest,
  niceMaximum,
  ticksTo,
} from '../../../src/workbench/inspector/page/overview/chart-scale.js';

const AREA = { left: 10, top: 0, width: 100, height: 50 };

describe('a chart', () => {
  it('has an axis up to a round number', () => {
    expect([0, 1, 3.2, 9, 31, 260, 700].map((value) => niceMaximum(value))).toEqual([
      1, 1, 4, 10, 40, 300, 800,
    ]);
    expect(niceMaximum(2, 5)).toBe(5);
    expect(ticksTo(40)).toEqual([0, 10, 20, 30, 40]);
    expect(ticksTo(10)).toEqual([0, 5, 10]);
    expect(ticksTo(300)).toEqual([0, 100, 200, 300]);
  });

  it('draws the points in sight, and a gap where nothing is known', () => {
    const points = [
      { at: 0, value: 5 },
      { at: 50_000, value: 0 },
      { at: 51_000, value: 10 },
      { at: 100_000, value: 20 },
    ];
    expect(linePath(points, AREA, 10, 100_000, 60_000)).toBe(
      'M26.7 50.0l0 0L28.3 0.0M110.0 0.0l0 0',
    );
    expect(linePath([], AREA, 10, 0, 60_000)).toBe('');
  });

  it('finds the measurement nearest to a time', () => {
    const points = [
      { at: 1_000, value: 1 },
      { at: 2_000, value: 2 },
    ];
    expect(nearest(points, 1_600)?.value).toBe(2);
    expect(nearest(points, 20_000)).toBeUndefined();
  });
});
