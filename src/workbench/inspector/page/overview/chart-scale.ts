/** A measurement and its time in milliseconds. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

/** A rectangle in pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Returns the smallest of 1, 2, 3, 4, 5, 6, 8, 10, 20, 30 … that is at least both values. */
export function niceMaximum(value: number, least = 1): number {
  const wanted = Math.max(value, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = STEPS.find((each) => each * power >= wanted);
  return (step ?? 10) * power;
}

const STEPS = [1, 2, 3, 4, 5, 6, 8];

/** Returns three to six round values for the grid lines from 0 to a round maximum. */
export function ticksTo(maximum: number): number[] {
  const digit = Number(maximum.toExponential().charAt(0));
  const parts = { 3: 3, 4: 4, 5: 5, 6: 3, 8: 4 }[digit] ?? 2;
  return Array.from({ length: parts + 1 }, (_, index) => (maximum * index) / parts);
}

/** Milliseconds without a point after which the line breaks, because the values in between are unknown. */
const GAP = 5_000;

/** Returns the `d` of an SVG path through the points of the `span` milliseconds before `until`; '' without points. */
export function linePath(
  points: readonly Point[],
  area: Area,
  maximum: number,
  until: number,
  span: number,
): string {
  let path = '';
  let before: number | undefined;
  for (const { at, value } of points) {
    if (at < until - span || at > until) continue;
    const x = area.left + area.width * (1 - (until - at) / span);
    const y = area.top + area.height * (1 - Math.min(value, maximum) / maximum);
    const place = `${x.toFixed(1)} ${y.toFixed(1)}`;
    // A zero-length line draws an isolated point as a dot.
    path += before === undefined || at - before > GAP ? `M${place}l0 0` : `L${place}`;
    before = at;
  }
  return path;
}

/** Returns the measurement nearest to a time; undefined if none is within five seconds. */
export function nearest(points: readonly Point[], at: number): Point | undefined {
  let best: Point | undefined;
  for (const point of points) {
    const distance = Math.abs(point.at - at);
    if (distance <= GAP && (best === undefined || distance < Math.abs(best.at - at))) best = point;
  }
  return best;
}
