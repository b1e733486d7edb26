import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { charts, latencyChart, shapesChart } from '../../../bench/report/charts.js';
import type { Line } from '../../../bench/report/result.js';
import { exactly, LINE, RESULT } from './samples.js';

interface Drawn {
  readonly svg: {
    readonly rect: Record<string, string>[];
    readonly line: Record<string, string>[];
    readonly polyline: Record<string, string>[];
    readonly text: { readonly '#text': string | number }[];
  };
}

function parse(svg: string): Drawn['svg'] {
  expect(XMLValidator.validate(svg)).toBe(true);
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (name, _path, _isLeaf, isAttribute) => name !== 'svg' && !isAttribute,
  });
  return (parser.parse(svg) as Drawn).svg;
}

const shape = (name: string, ratio: number, atLeast?: number): Line => ({
  name,
  figures: { ratio: { median: ratio, min: ratio - 0.1, max: ratio + 0.1 } },
  ...(atLeast === undefined ? {} : { targets: [{ column: 'ratio', atLeast }] }),
});

describe('the chart of shapes', () => {
  const { line, rect, text } = parse(
    shapesChart([shape('half <&">', 0.5, 0.6), shape('same', 1), { name: 'none', figures: {} }]),
  );
  const bars = rect.filter((each) => each['class'] === 'bar').map((each) => Number(each['width']));

  it('draws a bar for every ratio, to scale', () => {
    expect(bars).toHaveLength(2);
    expect(Number(bars[0]) / Number(bars[1])).toBeCloseTo(0.5, 2);
    expect(text.map((each) => each['#text'])).toContain('half <&">');
  });

  it('marks the range of each, the target, and the bare server', () => {
    const of = (name: string) => line.filter((each) => each['class'] === name);
    expect(of('range')).toHaveLength(2);
    expect(of('target')).toHaveLength(1);
    expect(of('axis')).toHaveLength(1);
  });
});

describe('the chart of latencies', () => {
  it('draws a curve for every server that has them, higher for longer', () => {
    const slow = { ...LINE, figures: { p50: exactly(20), p99: exactly(200), p999: exactly(400) } };
    const { polyline } = parse(latencyChart([LINE, { ...slow, name: 'slow' }, shape('none', 1)]));
    const heights = polyline.map((each) =>
      String(each['points'])
        .split(' ')
        .map((point) => Number(point.split(',')[1])),
    );
    expect(heights).toHaveLength(2);
    const [fast = [], slower = []] = heights;
    expect(fast.every((y, index) => y > Number(slower[index]))).toBe(true);
    expect(fast).toEqual([...fast].sort((a, b) => b - a));
  });
});

describe('the charts of a result', () => {
  it('are drawn even if nothing was measured', () => {
    for (const svg of charts({ ...RESULT, sections: [] }).values()) {
      expect(svg).not.toContain('NaN');
      parse(svg);
    }
  });

  it('follow the theme of the system', () => {
    for (const svg of charts(RESULT).values()) {
      expect(svg).toContain('prefers-color-scheme: dark');
      expect(svg).not.toContain('NaN');
    }
  });
});
