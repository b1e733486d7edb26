import { messageOf } from '../data/api.js';
import type { Inspector, Known } from '../data/inspector.js';
import { Confirm } from '../parts/confirm.js';
import { icon, shown } from '../parts/elements.js';
import { countOf, numberOf } from '../parts/format.js';
import { useKeys } from '../parts/hooks.js';
import { select } from '../parts/select.js';
import { type Child, h as component, html, useEffect, useState, type VNode } from '../preact.js';
import { hashOf } from '../route.js';
import { EntryDetail } from './detail.js';
import { type Act, ENTRY_KINDS, type Entry, type EntryKind, type EntryPlace } from './kinds.js';
import { entryTable } from './table.js';

export interface EntriesViewProps {
  readonly inspector: Inspector;
  readonly known: Known;
  readonly place: EntryPlace;
  readonly openId: string | undefined;
}

/** Entries on one page. */
const PAGE = 100;

interface Paging {
  readonly name: string;
  /** The last ID of each earlier page. */
  readonly before: readonly string[];
  /** Incremented to reload. */
  readonly reading: number;
}

/** Shows quarantine or dead letters: a paged list with filters, the opened entry, and actions. */
export function EntriesView({ inspector, known, place, openId }: EntriesViewProps): VNode {
  const kind = ENTRY_KINDS[place];
  const [paging, setPaging] = useState<Paging>({ name: '', before: [], reading: 0 });
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Act | undefined>(undefined);
  const [result, setResult] = useState<Child>(null);
  const loaded = useEntries(inspector, kind, paging);
  const entries = Array.isArray(loaded) ? (loaded as readonly Entry[]) : undefined;
  const rows = (entries ?? []).filter((entry) =>
    kind.text(entry).toLowerCase().includes(text.trim().toLowerCase()),
  );
  const close = (): void => {
    location.hash = hashOf({ place });
  };
  useEntryKeys(openId, close);

  const act = async ({ verb, ids }: Act): Promise<void> => {
    setAsked(undefined);
    setResult('Working…');
    const { name } = paging;
    const body =
      ids === undefined ? { all: true, ...(name === '' ? {} : { name }) } : { ids: [...ids] };
    const said = await inspector.api.post(`${kind.path}/${verb}`, body).then(
      (answer) => resultOf(kind, verb, answer as unknown as Done),
      (error: unknown) => html`<span class="problem">${messageOf(error)}</span>`,
    );
    setResult(said);
    setChosen(new Set());
    if (openId !== undefined && (ids === undefined || ids.includes(openId))) close();
    setPaging((before) => ({ ...before, before: [], reading: before.reading + 1 }));
    inspector.refresh();
  };
  const request = (wanted: Act): void => {
    // Everything except a replay of selected entries asks for confirmation.
    if (wanted.verb === 'replay' && wanted.ids !== undefined) void act(wanted);
    else setAsked(wanted);
  };
  const total = kind.total(known.totals, paging.name);
  const names = (place === 'quarantine' ? known.hello?.sources : known.hello?.sinks) ?? [];

  return html`<div class="split ${openId === undefined ? '' : 'is-open'}">
    <section class="pane list-pane entries" aria-labelledby="list-title">
      <h2 id="list-title" class="unseen">${kind.title}</h2>
      <div class="toolbar" role="search" aria-label=${`Filter ${kind.many}`}>
        <div class="search">
          ${icon('search')}
          <input id="search" type="search" aria-label="Search this page" placeholder="Search this page" spellcheck=${false} value=${text}
            onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)} />
          <kbd aria-hidden="true">/</kbd>
        </div>
        ${select({ label: kind.nameLabel, all: kind.nameLabel, value: paging.name, choices: names, onChoose: (name) => setPaging((before) => ({ ...before, name, before: [] })) })}
        ${bulkButtons(chosen, rows, request)}
      </div>
      <div role="status" class="entries-result">${result === null ? null : html`<p>${result}</p>`}</div>
      ${
        rows.length > 0
          ? entryTable({ place, kind, rows, openId, chosen, choose: setChosen })
          : html`<div class="notice"><h3>${emptyTitle(loaded, text)}</h3><p>${entries === undefined ? loadedText(loaded) : text === '' ? kind.empty : 'No entry on this page contains this text.'}</p></div>`
      }
      ${pager(entries ?? [], paging, total, setPaging)}
    </section>
    ${openId === undefined ? null : component(EntryDetail, { key: openId, inspector, place, id: openId, onClose: close, onAct: request })}
    ${asked === undefined ? null : confirmation(kind, asked, paging.name, total, act, () => setAsked(undefined))}
  </div>`;
}

function useEntryKeys(openId: string | undefined, close: () => void): void {
  useKeys({
    '/': () => {
      document.getElementById('search')?.focus();
      return true;
    },
    Escape: () => {
      if (openId !== undefined) close();
      return openId !== undefined;
    },
  });
}

/** Returns the entries of a page, an error message, or undefined while loading. */
function useEntries(
  inspector: Inspector,
  kind: EntryKind,
  paging: Paging,
): readonly Entry[] | string | undefined {
  const [loaded, setLoaded] = useState<readonly Entry[] | string | undefined>(undefined);
  const { name, before, reading } = paging;
  const after = before.at(-1);
  useEffect(() => {
    let isHere = true;
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (name !== '') query.set('name', name);
    if (after !== undefined) query.set('after', after);
    inspector.api.get(`${kind.path}?${query}`).then(
      (list) => isHere && setLoaded(list as unknown as readonly Entry[]),
      (error: unknown) => isHere && setLoaded(messageOf(error)),
    );
    return () => {
      isHere = false;
    };
  }, [inspector, kind, name, after, reading]);
  return loaded;
}

function emptyTitle(loaded: readonly Entry[] | string | undefined, text: string): string {
  if (loaded === undefined) return 'Loading…';
  if (typeof loaded === 'string') return 'The entries cannot be read';
  return text === '' ? 'Nothing here' : 'Nothing matches';
}

function loadedText(loaded: readonly Entry[] | string | undefined): Child {
  return typeof loaded === 'string' ? shown(loaded) : '';
}

function bulkButtons(
  chosen: ReadonlySet<string>,
  rows: readonly Entry[],
  request: (act: Act) => void,
): Child {
  if (rows.length === 0) return null;
  const isSome = chosen.size > 0;
  const what = isSome ? `selected (${numberOf(chosen.size)})` : 'all';
  const ids = isSome ? { ids: [...chosen] } : {};
  return html`<span class="bulk">
    <button type="button" class="button" onClick=${() => request({ verb: 'replay', ...ids })}>Replay ${what}</button>
    <button type="button" class="button danger" onClick=${() => request({ verb: 'purge', ...ids })}>Purge ${what}</button>
  </span>`;
}

interface Done {
  readonly replayed?: number;
  readonly remaining?: number;
  readonly purged?: number;
  readonly errors?: readonly string[];
}

function resultOf(
  kind: EntryKind,
  verb: Act['verb'],
  { replayed = 0, remaining = 0, purged = 0, errors = [] }: Done,
): VNode {
  const text =
    verb === 'purge'
      ? `${countOf(purged, kind.one, kind.many)} purged.`
      : `${countOf(replayed, kind.one, kind.many)} replayed.`;
  const [first] = errors;
  const reason = first === undefined ? '' : `: ${first}`;
  return html`<span>${text}${remaining === 0 ? null : html` <span class="problem">${countOf(remaining, 'entry remains', 'entries remain')}${shown(reason)}</span>`}</span>`;
}

function confirmation(
  kind: EntryKind,
  asked: Act,
  name: string,
  total: number | undefined,
  act: (asked: Act) => Promise<void>,
  onNo: () => void,
): VNode {
  const count = asked.ids?.length ?? total;
  const many = count === undefined ? `all ${kind.many}` : countOf(count, kind.one, kind.many);
  const of = asked.ids !== undefined || name === '' ? '' : ` of ${name}`;
  const isPurge = asked.verb === 'purge';
  return component(Confirm, {
    question: `${isPurge ? 'Purge' : 'Replay'} ${many}${of}?`,
    detail: isPurge ? 'This cannot be undone.' : 'This includes the entries on other pages.',
    action: isPurge ? 'Purge' : 'Replay',
    isDangerous: isPurge,
    onYes: () => void act(asked),
    onNo,
  });
}

function pager(
  entries: readonly Entry[],
  paging: Paging,
  total: number | undefined,
  setPaging: (paging: Paging) => void,
): VNode | null {
  const { before } = paging;
  const last = entries.at(-1)?.id;
  const hasMore = entries.length === PAGE && last !== undefined;
  if (before.length === 0 && !hasMore) return null;
  const from = before.length * PAGE + 1;
  const turn = (pages: readonly string[]) => () => setPaging({ ...paging, before: pages });
  return html`<nav class="pager entries-pager" aria-label="Pages">
    <button type="button" class="button" disabled=${before.length === 0} onClick=${turn(before.slice(0, -1))}>Previous</button>
    <span>${numberOf(from)} to ${numberOf(from + entries.length - 1)}${total === undefined ? '' : ` of ${numberOf(total)}`}, oldest first</span>
    <button type="button" class="button" disabled=${!hasMore} onClick=${turn(last === undefined ? before : [...before, last])}>Next</button>
  </nav>`;
}
