import type { Inspector, Known } from '../data/inspector.js';
import type { DeliverySummary } from '../data/wire.js';
import { icon } from '../parts/elements.js';
import { countOf, numberOf } from '../parts/format.js';
import { useKeys } from '../parts/hooks.js';
import { select } from '../parts/select.js';
import { h as component, html, useLayoutEffect, useMemo, type VNode } from '../preact.js';
import { hashOf } from '../route.js';
import { DeliveryDetail } from './detail/view.js';
import { emptyNotice, recordingNotice } from './empty.js';
import { choicesIn, type Filters, filtered, isFiltering, NO_FILTERS } from './filters.js';
import { DeliveryTable } from './table.js';

/** The state of the list, kept while another view is open. */
export interface ListState {
  readonly filters: Filters;
  /** The list when it was paused. */
  readonly frozen: readonly DeliverySummary[] | undefined;
  /** The delivery from which arrow keys move. */
  readonly cursor: string | undefined;
}

export const startOfList: ListState = { filters: NO_FILTERS, frozen: undefined, cursor: undefined };

export interface DeliveriesViewProps {
  readonly inspector: Inspector;
  readonly known: Known;
  readonly openId: string | undefined;
  readonly list: ListState;
  readonly setList: (change: (before: ListState) => ListState) => void;
}

export function DeliveriesView(props: DeliveriesViewProps): VNode {
  const { inspector, known, openId, list, setList } = props;
  const { filters, frozen, cursor } = list;
  const all = frozen ?? known.deliveries;
  const rows = useMemo(() => filtered(all, filters), [all, filters]);
  const set = (part: Partial<ListState>): void => setList((before) => ({ ...before, ...part }));
  const close = (): void => {
    location.hash = hashOf({ place: 'deliveries' });
  };
  useListKeys(props, rows, set, close);
  // Updated at once, because the next key press moves from here.
  useLayoutEffect(() => {
    if (openId !== undefined) set({ cursor: openId });
    return undefined;
  }, [openId]);

  return html`<div class="split ${openId === undefined ? '' : 'is-open'}">
    <section class="pane list-pane" aria-labelledby="list-title">
      <h2 id="list-title" class="unseen">Deliveries</h2>
      ${component(Toolbar, { known, list, all, shown: rows.length, set })}
      ${recordingNotice(known)}
      ${
        rows.length > 0
          ? component(DeliveryTable, { rows, openId, cursor, onMove: (id) => set({ cursor: id }) })
          : emptyNotice(known, isFiltering(filters), () => set({ filters: NO_FILTERS }))
      }
    </section>
    ${
      openId === undefined
        ? null
        : component(DeliveryDetail, { key: openId, inspector, id: openId, onClose: close })
    }
  </div>`;
}

function useListKeys(
  { openId, list }: DeliveriesViewProps,
  rows: readonly DeliverySummary[],
  set: (part: Partial<ListState>) => void,
  close: () => void,
): void {
  const move = (by: number): boolean => {
    // Tab into the list selects a row before any arrow key is pressed.
    const here = list.cursor ?? focusedRow() ?? openId;
    const at = rows.findIndex(({ id }) => id === here);
    const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by))];
    if (next === undefined) return false;
    set({ cursor: next.id });
    // Moving through opened deliveries leaves one entry in the browser's history instead of one each.
    if (openId !== undefined) location.replace(hashOf({ place: 'deliveries', id: next.id }));
    return true;
  };
  const arrow = (by: number): boolean => isFree(document.activeElement) && move(by);
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => arrow(1),
    ArrowUp: () => arrow(-1),
    '/': () => {
      const search = document.getElementById('search');
      search?.focus();
      return search !== null;
    },
    Escape: () => {
      const { activeElement } = document;
      if (activeElement?.id === 'search' && activeElement instanceof HTMLElement) {
        activeElement.blur();
        return true;
      }
      if (openId === undefined) return false;
      close();
      return true;
    },
  });
}

function focusedRow(): string | undefined {
  const focused = document.activeElement;
  return focused instanceof HTMLElement ? focused.dataset['id'] : undefined;
}

/** Whether arrow keys scroll nothing else: the focus is in the list, or nowhere. */
function isFree(focused: Element | null): boolean {
  return focused === null || focused === document.body || focused.closest('.deliveries') !== null;
}

interface ToolbarProps {
  readonly known: Known;
  readonly list: ListState;
  readonly all: readonly DeliverySummary[];
  readonly shown: number;
  readonly set: (part: Partial<ListState>) => void;
}

function Toolbar({ known, list, all, shown, set }: ToolbarProps): VNode {
  const { filters, frozen } = list;
  const choices = useMemo(() => choicesIn(all), [all]);
  const filter = (part: Partial<Filters>): void => set({ filters: { ...filters, ...part } });
  const waiting = frozen === undefined ? 0 : newerThan(known.deliveries, frozen[0]);
  return html`<div class="toolbar" role="search" aria-label="Filter deliveries">
    <div class="search">
      ${icon('search')}
      <input
        id="search"
        type="search"
        aria-label="Search deliveries"
        aria-keyshortcuts="/"
        placeholder="Search path, event, user, id"
        spellcheck=${false}
        value=${filters.text}
        onInput=${(event: Event) => filter({ text: (event.target as HTMLInputElement).value })}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
    ${select({ label: 'Source', all: 'Source', value: filters.source, choices: choices.sources, onChoose: (source) => filter({ source }) })}
    ${select({ label: 'Outcome', all: 'Outcome', value: filters.outcome, choices: choices.outcomes, onChoose: (outcome) => filter({ outcome }) })}
    ${select({ label: 'Type', all: 'Type', value: filters.type, choices: choices.types, onChoose: (type) => filter({ type }) })}
    ${component(PauseButton, {
      isPaused: frozen !== undefined,
      waiting,
      onPress: () => set({ frozen: frozen === undefined ? known.deliveries : undefined }),
    })}
    <span class="shown-count">${shown === all.length ? countOf(shown, 'delivery', 'deliveries') : `${numberOf(shown)} of ${numberOf(all.length)}`}</span>
  </div>`;
}

function newerThan(
  deliveries: readonly DeliverySummary[],
  newest: DeliverySummary | undefined,
): number {
  const at = deliveries.findIndex(({ id }) => id === newest?.id);
  return at < 0 ? deliveries.length : at;
}

interface PauseButtonProps {
  readonly isPaused: boolean;
  readonly waiting: number;
  readonly onPress: () => void;
}

function PauseButton({ isPaused, waiting, onPress }: PauseButtonProps): VNode {
  return html`<button type="button" class="button pause ${isPaused ? 'is-on' : ''}" aria-pressed=${isPaused} onClick=${onPress}>
    ${icon(isPaused ? 'play' : 'pause')}
    <span>${isPaused ? `Resume${waiting > 0 ? ` (${numberOf(waiting)} new)` : ''}` : 'Pause'}</span>
  </button>`;
}
