import { shown } from '../parts/elements.js';
import { html, useLayoutEffect, useRef, useState, type VNode } from '../preact.js';
import { type Area, linePath, nearest, niceMaximum, type Point, ticksTo } from './chart-scale.js';

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface ChartProps {
  readonly title: string;
  /** At most four, each with its own stroke, drawn in order. */
  readonly series: readonly Series[];
  /** The time at the right edge, milliseconds since the epoch. */
  readonly until: number;
  readonly format: (value: number) => string;
  /** The minimum for the axis's upper end, so that tiny values do not fill the chart. */
  readonly least: number;
}

/** Milliseconds between the left and right edges. */
const SPAN = 600_000;
const HEIGHT = 170;
const MINUTES = [10, 8, 6, 4, 2, 0];

/** Line chart of the last ten minutes, with axes, a legend for the value under the pointer, and a text alternative. */
export function Chart({ title, series, until, format, least }: ChartProps): VNode {
  const [width, setWidth] = useState(480);
  const [pointed, setPointed] = useState<number | undefined>(undefined);
  const frame = useRef<HTMLElement | null>(null);
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const highest = Math.max(0, ...series.flatMap(({ points }) => points.map(({ value }) => value)));
  const maximum = niceMaximum(highest, least);
  const area: Area = { left: 54, top: 8, width: Math.max(60, width - 70), height: HEIGHT - 34 };
  const at = pointed ?? until;
  const point = (event: PointerEvent): void => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const part = (event.clientX - box.left - area.left) / area.width;
    setPointed(until - SPAN * (1 - Math.max(0, Math.min(1, part))));
  };
  return html`<figure class="chart" ref=${frame}>
    <figcaption>
      <h3>${title}</h3>
      <ul class="legend">${series.map((each, index) => legend(each, index, at, format))}</ul>
    </figcaption>
    <svg
      width=${width}
      height=${HEIGHT}
      viewBox=${`0 0 ${width} ${HEIGHT}`}
      role="img"
      aria-label=${inWords(title, series, format)}
      onPointerMove=${point}
      onPointerLeave=${() => setPointed(undefined)}
    >
      ${ticksTo(maximum).map((tick) => {
        const y = area.top + area.height * (1 - tick / maximum);
        return html`<g key=${`y${tick}`}><line class="grid" x1=${area.left} x2=${area.left + area.width} y1=${y} y2=${y} />
          <text class="tick" x=${area.left - 8} y=${y + 4} text-anchor="end">${format(tick)}</text></g>`;
      })}
      ${MINUTES.map((minutes) => {
        const x = area.left + area.width * (1 - (minutes * 60_000) / SPAN);
        return html`<text key=${`x${minutes}`} class="tick" x=${x} y=${HEIGHT - 6} text-anchor=${minutes === 0 ? 'end' : 'middle'}>${minutes === 0 ? 'now' : `−${minutes} min`}</text>`;
      })}
      ${series.map(({ points }, index) => html`<path key=${index} class="series series-${index + 1}" d=${linePath(points, area, maximum, until, SPAN)} />`)}
      ${pointed === undefined ? null : crosshair(area, pointed, until)}
    </svg>
  </figure>`;
}

function crosshair(area: Area, at: number, until: number): VNode {
  const x = area.left + area.width * (1 - (until - at) / SPAN);
  return html`<line class="crosshair" x1=${x} x2=${x} y1=${area.top} y2=${area.top + area.height} />`;
}

function legend(
  { name, points }: Series,
  index: number,
  at: number,
  format: ChartProps['format'],
): VNode {
  const value = nearest(points, at)?.value;
  return html`<li>
    <svg class="legend-line" width="20" height="8" aria-hidden="true"><path class="series series-${index + 1}" d="M0 4H20" /></svg>
    ${shown(name)} <strong>${value === undefined ? '–' : format(value)}</strong>
  </li>`;
}

function inWords(title: string, series: readonly Series[], format: ChartProps['format']): string {
  const parts = series.map(({ name, points }) => {
    const last = points.at(-1);
    if (last === undefined) return `${name}: nothing yet`;
    const highest = Math.max(...points.map(({ value }) => value));
    return `${name}: now ${format(last.value)}, highest ${format(highest)}`;
  });
  return `${title}, last ten minutes. ${parts.join('; ')}.`;
}
