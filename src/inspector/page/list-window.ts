/** The rows that are put on the page, `to` exclusive, and what stands in for those above and below, in pixels. */
export interface ListWindow {
  readonly from: number;
  readonly to: number;
  readonly above: number;
  readonly below: number;
}

/** Rows beyond either edge, so that scrolling a little shows no gap. */
const SPARE = 12;

/** Which of `count` rows of `rowHeight` pixels are to be there when `height` pixels are seen from `scrollTop` on. */
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
