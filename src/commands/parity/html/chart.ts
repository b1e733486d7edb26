import type { SeriesPoint } from '../../../parity/report/report.js';
import { escaped } from './markup.js';

const WIDTH = 1_000;
const HEIGHT = 180;
const BOTTOM = 24;
const LEFT = 48;

/** The parts of a bar, from the bottom up. `both` is shown without the pairs that differ. */
const PARTS = [
  ['both', 'Both', (point: SeriesPoint) => point.both - point.different],
  ['different', 'Different', (point: SeriesPoint) => point.different],
  ['left', 'Only left', (point: SeriesPoint) => point.onlyLeft],
  ['right', 'Only right', (point: SeriesPoint) => point.onlyRight],
] as const;

/** Returns a chart of the verdicts over time, as SVG. */
export function chart(series: readonly SeriesPoint[]): string {
  if (series.length === 0) return '';
  const times = series.map(({ at }) => Date.parse(at));
  const first = Math.min(...times);
  const width = smallestStep(times);
  const slots = Math.round((Math.max(...times) - first) / width) + 1;
  const sum = (point: SeriesPoint): number => PARTS.reduce((all, [, , of]) => all + of(point), 0);
  const most = Math.max(1, ...series.map(sum));
  const slot = (WIDTH - LEFT) / slots;
  const bars = series.map((point, index) => {
    const x = LEFT + (((times[index] ?? first) - first) / width) * slot;
    let y = HEIGHT;
    return PARTS.map(([name, , of]) => {
      const height = (of(point) / most) * HEIGHT;
      y -= height;
      if (height <= 0) return '';
      return `<rect class="${name}" x="${fixed(x)}" y="${fixed(y)}" width="${fixed(Math.max(1, slot - 1))}" height="${fixed(height)}"/>`;
    }).join('');
  });
  const legend = PARTS.map(
    ([name, label], index) =>
      `<rect class="${name}" x="${LEFT + index * 110}" y="4" width="10" height="10"/><text x="${LEFT + index * 110 + 15}" y="13">${label}</text>`,
  );
  const end = series.at(-1)?.at ?? '';
  const start = series[0]?.at ?? '';
  return `<h2>Over time</h2><svg viewBox="0 0 ${WIDTH} ${HEIGHT + BOTTOM + 20}" role="img" aria-label="Pairs and events without a partner over time">
<g>${legend.join('')}</g><g transform="translate(0 20)">
<text x="${LEFT - 6}" y="10" text-anchor="end">${most}</text><text x="${LEFT - 6}" y="${HEIGHT}" text-anchor="end">0</text>
${bars.join('')}<line class="axis" x1="${LEFT}" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}"/>
<text x="${LEFT}" y="${HEIGHT + 16}">${escaped(start)}</text><text x="${WIDTH}" y="${HEIGHT + 16}" text-anchor="end">${escaped(end)}</text>
</g></svg>`;
}

function smallestStep(times: readonly number[]): number {
  const steps = times.slice(1).map((at, index) => at - (times[index] ?? at));
  return Math.max(1, Math.min(...steps, 60_000 * 60 * 24));
}

function fixed(value: number): string {
  return value.toFixed(1);
}
