import type { DeliverySummary } from '../data/wire.js';
import { icon } from '../parts/elements.js';
import { countOf } from '../parts/format.js';
import { html, useEffect, useLayoutEffect, useRef, useState, type VNode } from '../preact.js';
import { windowOf } from './list-window.js';
import { deliveryRow, headings, type RowShape } from './row.js';

export interface DeliveryTableProps {
  /** Newest first, filtered and not empty. */
  readonly rows: readonly DeliverySummary[];
  readonly openId: string | undefined;
  readonly cursor: string | undefined;
  readonly onMove: (id: string) => void;
}

/** Pixels. The style sheet has the same value. */
const ROW = { wide: 34, narrow: 58 } as const;
/** The width in pixels below which a row has two lines instead of columns. */
const NARROW = 700;

interface View {
  readonly scrollTop: number;
  readonly height: number;
  readonly shape: RowShape;
}

/** A table that renders only its visible rows. */
export function DeliveryTable({ rows, openId, cursor, onMove }: DeliveryTableProps): VNode {
  const scroller = useRef<HTMLDivElement | null>(null);
  const [view, setView] = useState<View>({ scrollTop: 0, height: 800, shape: 'wide' });
  const rowHeight = ROW[view.shape];
  useSize(scroller, setView);
  const newer = useStillList(scroller, rows, rowHeight);
  useCursor(scroller, rows, cursor, rowHeight, openId);

  const part = windowOf(rows.length, rowHeight, view.scrollTop, view.height);
  const entry = rows.some(({ id }) => id === cursor) ? cursor : rows[part.from]?.id;
  const toTop = (): void => {
    if (scroller.current !== null) scroller.current.scrollTop = 0;
  };
  const scrolled = (event: Event): void => {
    const { scrollTop } = event.currentTarget as HTMLElement;
    setView((before) => ({ ...before, scrollTop }));
  };
  return html`<div class="deliveries-frame">
    ${
      newer === 0
        ? null
        : html`<button type="button" class="newer" onClick=${toTop}>${icon('up')} ${countOf(newer, 'new delivery', 'new deliveries')}</button>`
    }
    <div class="deliveries ${view.shape}" ref=${scroller} onScroll=${scrolled}>
      <div role="table" aria-labelledby="list-title" aria-rowcount=${rows.length + 1}>
        <div role="rowgroup" class="headings">${headings()}</div>
        <div role="rowgroup">
          ${spacer(part.above)}
          ${rows.slice(part.from, part.to).map((delivery, index) =>
            deliveryRow(delivery, {
              index: part.from + index + 2,
              isOpen: delivery.id === openId,
              isEntry: delivery.id === entry,
              onMove,
            }),
          )}
          ${spacer(part.below)}
        </div>
      </div>
    </div>
  </div>`;
}

/** An SVG can have a height without the style attribute, which the page's content security policy forbids. */
function spacer(height: number): VNode | null {
  if (height === 0) return null;
  return html`<svg class="spacer" width="1" height=${height} aria-hidden="true"></svg>`;
}

type Scroller = { readonly current: HTMLDivElement | null };

function useSize(scroller: Scroller, setView: (change: (before: View) => View) => void): void {
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const measure = (): void => {
      const shape = element.clientWidth < NARROW ? 'narrow' : 'wide';
      const height = element.clientHeight;
      setView((before) =>
        before.shape === shape && before.height === height ? before : { ...before, shape, height },
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
}

/**
 * Keeps the scroll position while new rows arrive above it. Returns how many arrived since the reader left the top.
 */
function useStillList(
  scroller: Scroller,
  rows: readonly DeliverySummary[],
  rowHeight: number,
): number {
  const top = useRef<{ id: string | undefined; rest: number }>({ id: undefined, rest: 0 });
  const newestSeen = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    const element = scroller.current;
    const { id, rest } = top.current;
    if (element !== null && id !== undefined && element.scrollTop > 0) {
      const index = rows.findIndex((row) => row.id === id);
      if (index >= 0) element.scrollTop = index * rowHeight + rest;
    }
    return undefined;
  }, [rows, rowHeight]);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const index = Math.floor(element.scrollTop / rowHeight);
    top.current = { id: rows[index]?.id, rest: element.scrollTop - index * rowHeight };
    if (element.scrollTop < rowHeight) newestSeen.current = rows[0]?.id;
    return undefined;
  });
  const seen = rows.findIndex(({ id }) => id === newestSeen.current);
  return Math.max(0, seen);
}

/** Scrolls to the row that a key has selected or that was open, and focuses it. */
function useCursor(
  scroller: Scroller,
  rows: readonly DeliverySummary[],
  cursor: string | undefined,
  rowHeight: number,
  openId: string | undefined,
): void {
  const latest = useRef(rows);
  latest.current = rows;
  useEffect(() => {
    const element = scroller.current;
    const index = latest.current.findIndex(({ id }) => id === cursor);
    if (element === null || index < 0) return undefined;
    const heading = element.querySelector('.headings')?.clientHeight ?? 0;
    const above = index * rowHeight;
    const below = above + rowHeight + heading - element.clientHeight;
    if (element.scrollTop > above) element.scrollTop = above;
    else if (element.scrollTop < below) element.scrollTop = below;
    // The row may not be rendered yet.
    const frame = requestAnimationFrame(() => {
      // A reader who has started typing keeps the focus.
      if (document.activeElement instanceof HTMLInputElement) return;
      const link = [...element.querySelectorAll<HTMLElement>('a[data-id]')].find(
        ({ dataset }) => dataset['id'] === cursor,
      );
      link?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [cursor, openId]);
}
