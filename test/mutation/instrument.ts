import type { Parsed } from './mutants.js';

interface Point {
  readonly start: number;
  readonly end: number;
  readonly isStatement: boolean;
  readonly isLoop: boolean;
  readonly alternatives: { readonly id: number; readonly replacement: string }[];
}

/**
 * Returns a module that contains all its mutants, each switched on by its number: `m(7) ? a <= b : a < b`. `m` also
 * records that the place was reached, and `t`, called once a round, ends a loop that a mutant has made endless.
 */
export function instrument(text: string, parsed: Parsed, firstId: number, runtime: string): string {
  const points = new Map<string, Point>();
  const pointAt = (start: number, end: number, isStatement: boolean, isLoop: boolean): Point => {
    const key = `${start} ${end} ${isStatement} ${isLoop}`;
    const point = points.get(key) ?? { start, end, isStatement, isLoop, alternatives: [] };
    points.set(key, point);
    return point;
  };
  parsed.mutants.forEach(({ start, end, isStatement, replacement }, index) => {
    pointAt(start, end, isStatement, false).alternatives.push({ id: firstId + index, replacement });
  });
  for (const { start, end } of parsed.loops) pointAt(start, end, true, true);
  // Outer before inner; of equal places the loop and then the statement are outer.
  const order = [...points.values()].sort(
    (one, other) =>
      one.start - other.start ||
      other.end - one.end ||
      Number(other.isLoop) - Number(one.isLoop) ||
      Number(other.isStatement) - Number(one.isStatement),
  );

  let next = 0;
  const print = (start: number, end: number): string => {
    let printed = '';
    let at = start;
    for (let point = order[next]; point !== undefined && point.end <= end; point = order[next]) {
      if (point.start >= end) break;
      next++;
      printed += text.slice(at, point.start) + printPoint(point);
      at = point.end;
    }
    return printed + text.slice(at, end);
  };
  const printPoint = ({ start, end, isLoop, isStatement, alternatives }: Point): string => {
    const inner = print(start, end);
    if (isLoop) return inner.startsWith('{') ? `{__t();${inner.slice(1)}` : `{__t();${inner}}`;
    if (isStatement) return `{if(!__m(${alternatives[0]?.id})){${inner}}}`;
    const cases = alternatives.map(({ id, replacement }) => `__m(${id})?(${replacement}):`);
    return `(${cases.join('')}(${inner}))`;
  };
  const body = print(0, text.length);
  return `import { m as __m, t as __t } from '${runtime}';${body}`;
}
