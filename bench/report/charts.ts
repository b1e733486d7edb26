import type { Line, Result } from './result.js';
import { element, label, picture } from './svg.js';

const WIDTH = 760;
const PERCENTILES = [
  { column: 'p50', title: 'p50' },
  { column: 'p99', title: 'p99' },
  { column: 'p999', title: 'p99.9' },
] as const;

/** Every picture of the page, by the name of its file in `docs/images/performance`. */
export function charts({ sections }: Result): ReadonlyMap<string, string> {
  const lines = (name: string): readonly Line[] =>
    sections.find((section) => section.name === name)?.lines ?? [];
  return new Map([
    ['shapes.svg', shapesChart(lines('shapes'))],
    ['latency.svg', latencyChart(lines('servers'))],
  ]);
}

/** Bars of the ratio to the bare server, with the range of the rounds and the target. */
export function shapesChart(lines: readonly Line[]): string {
  const [left, top, row] = [230, 40, 30];
  const bars = lines.filter(({ figures }) => figures.ratio !== undefined);
  const largest = Math.max(1, ...bars.map(({ figures }) => figures.ratio?.max ?? 0));
  const steps = Math.ceil(largest * 4);
  const x = (ratio: number): number => left + (ratio / (steps / 4)) * (WIDTH - left - 30);
  const bottom = top + bars.length * row;
  const grid = Array.from({ length: steps + 1 }, (_, step) => step / 4).flatMap((ratio) => [
    element('line', {
      class: ratio === 1 ? 'axis' : 'grid',
      ...{ x1: x(ratio), x2: x(ratio), y1: top, y2: bottom },
    }),
    label(x(ratio), top - 8, ratio.toFixed(2), { 'text-anchor': 'middle', class: 'faint' }),
  ]);
  const drawn = bars.flatMap((line, index) => {
    const y = top + index * row;
    const { ratio } = line.figures;
    if (ratio === undefined) return [];
    const target = line.targets?.find(({ column }) => column === 'ratio')?.atLeast;
    const middle = y + row / 2;
    return [
      label(left - 10, middle + 4, line.name, { 'text-anchor': 'end' }),
      element('rect', {
        class: 'bar',
        ...{ x: left, y: y + 6, width: x(ratio.median) - left, height: row - 12 },
      }),
      element('line', {
        class: 'range',
        ...{ x1: x(ratio.min), x2: x(ratio.max), y1: middle, y2: middle },
      }),
      ...(target === undefined
        ? []
        : [
            element('line', {
              class: 'target',
              ...{ x1: x(target), x2: x(target), y1: y + 3, y2: y + row - 3 },
            }),
          ]),
    ];
  });
  const note = label(
    left,
    bottom + 22,
    'events/s as a ratio to the bare server (1.00); line: range of the rounds; red: target',
    { class: 'faint' },
  );
  const title = 'Events per second by shape of delivery, as a ratio to the bare server';
  return picture(WIDTH, bottom + 36, title, [...grid, ...drawn, note]);
}

/** Curves of the latency percentiles at half load, on a logarithmic scale. */
export function latencyChart(lines: readonly Line[]): string {
  const [left, right, top, bottom] = [60, 520, 30, 300];
  const shown = lines.filter(({ figures }) => Number.isFinite(figures.p50?.median));
  const values = shown.flatMap(({ figures }) =>
    PERCENTILES.map(({ column }) => figures[column]?.median ?? 1),
  );
  const low = Math.floor(Math.log10(Math.min(1, ...values)));
  const high = Math.ceil(Math.log10(Math.max(10, ...values)));
  const y = (ms: number): number =>
    bottom - ((Math.log10(ms) - low) / (high - low)) * (bottom - top);
  const x = (index: number): number => left + 30 + (index * (right - left - 60)) / 2;
  const grid = Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)).flatMap(
    (ms) => [
      element('line', { class: 'grid', x1: left, x2: right, y1: y(ms), y2: y(ms) }),
      label(left - 8, y(ms) + 4, `${ms} ms`, { 'text-anchor': 'end', class: 'faint' }),
    ],
  );
  const names = PERCENTILES.map(({ title }, index) =>
    label(x(index), bottom + 22, title, { 'text-anchor': 'middle', class: 'faint' }),
  );
  const curves = shown.flatMap(({ figures, name }, index) => {
    const points = PERCENTILES.map(({ column }, at): string => {
      const ms = figures[column]?.median ?? Number.NaN;
      return `${x(at).toFixed(1)},${y(ms).toFixed(1)}`;
    });
    const key = top + 14 + index * 24;
    return [
      element('polyline', { class: `line c${index % 5}`, points: points.join(' ') }),
      element('line', {
        class: `line c${index % 5}`,
        ...{ x1: right + 14, x2: right + 38, y1: key, y2: key },
      }),
      label(right + 46, key + 4, name),
    ];
  });
  const title = 'Latency at half load: p50, p99 and p99.9 of each server';
  return picture(WIDTH, bottom + 40, title, [...grid, ...names, ...curves]);
}
