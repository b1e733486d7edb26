/** The rows to render, `to` exclusive, and the pixel heights that stand for the rows above and below. */
export interface ListWindow {
  readonly from: number;
  readonly to: number;
  readonly above: number;
  readonly below: number;
}

/** Extra rows at each edge, so that short scrolls show no gap. */
const SPARE = 12;

/** Returns which of `count` rows of `rowHeight` pixels to render when `height` pixels from `scrollTop` are visible. */
export function windowOf(
  count: number,
  rowHeight: number,
  scrollTop: number,
  height: number,
): ListWindow {
  const first = Math.floor(scrollTop / rowHeight) - SPARE;
  const from = Math.max(0, Math.min(first, count - 1));
  const to = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + SPARE);
  return { from, to, above: from * rowHeight, below: Math.max(0, count - to) * rowHeight };
}
