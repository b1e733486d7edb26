import type { DeadLetter, Quarantined, SinkTotals, Totals } from '../data/wire.js';
import { badge, shown } from '../parts/elements.js';
import { countOf, dateTimeOf, numberOf } from '../parts/format.js';
import { html, type VNode } from '../preact.js';
import type { Place } from '../route.js';

/** The two views of events that an operator must decide about. */
export type EntryPlace = Extract<Place, 'quarantine' | 'dead-letters'>;

/** An entry of either kind. Each kind has its own members. */
export type Entry = DeadLetter & Quarantined;

export interface EntryKind {
  readonly path: string;
  readonly title: string;
  /** Names one entry in a sentence. */
  readonly one: string;
  readonly many: string;
  /** The label of the filter that sets the API's `name`. */
  readonly nameLabel: string;
  /** Shown for an empty list. */
  readonly empty: string;
  readonly columns: readonly Column[];
  total(totals: Totals | undefined, name: string): number | undefined;
  /** Returns the text that a search matches. */
  text(entry: Entry): string;
}

interface Column {
  readonly title: string;
  readonly name: string;
  cell(entry: Entry): VNode;
}

const time = (at: string): VNode => html`<time datetime=${at} title=${at}>${dateTimeOf(at)}</time>`;

export const ENTRY_KINDS: Readonly<Record<EntryPlace, EntryKind>> = {
  quarantine: {
    path: 'api/quarantine',
    title: 'Quarantine',
    one: 'quarantined event',
    many: 'quarantined events',
    nameLabel: 'Source',
    empty:
      'No events are in quarantine. Events that are not valid stay here until you replay or purge them.',
    columns: [
      { title: 'Received', name: 'time', cell: ({ receivedAt }) => time(receivedAt) },
      { title: 'Source', name: 'name', cell: ({ source }) => html`<span>${shown(source)}</span>` },
      {
        title: 'Reason',
        name: 'reason',
        cell: ({ reason }) => badge({ label: reason, tone: 'warn' }),
      },
      { title: 'Errors', name: 'wrong', cell: wrong },
    ],
    // The API has no count for one source.
    total: (totals, name) => (name === '' ? totals?.inQuarantine : undefined),
    text: ({ id, source, deliveryId, reason, errors }) =>
      [
        id,
        source,
        deliveryId,
        reason,
        ...errors.flatMap(({ path, message }) => [path, message]),
      ].join('\n'),
  },
  'dead-letters': {
    path: 'api/dead-letters',
    title: 'Dead letters',
    one: 'dead letter',
    many: 'dead letters',
    nameLabel: 'Sink',
    empty:
      'There are no dead letters. Events that a sink rejected, or that were retried for too long, stay here until you replay or purge them.',
    columns: [
      { title: 'Time', name: 'time', cell: ({ at }) => time(at) },
      { title: 'Sink', name: 'name', cell: ({ sink }) => html`<span>${shown(sink)}</span>` },
      {
        title: 'Last error',
        name: 'wrong',
        cell: ({ error }) => html`<span>${shown(error ?? 'none said')}</span>`,
      },
      { title: 'Type', name: 'type', cell: ({ type }) => html`<span>${shown(type ?? '')}</span>` },
      {
        title: 'Attempts',
        name: 'attempts',
        cell: ({ attemptCount }) => html`<span>${numberOf(attemptCount)}</span>`,
      },
    ],
    total: (totals, name) => deadLetters(totals?.sinks, name),
    text: ({ id, sink, messageId, type, error }) => [id, sink, messageId, type, error].join('\n'),
  },
};

function wrong({ errors, reason }: Entry): VNode {
  const [first, ...more] = errors;
  if (first === undefined) {
    return html`<span class="hint">${reason === 'unauthenticated' ? 'not authenticated' : ''}</span>`;
  }
  return html`<span><code>${first.path === '' ? '(whole event)' : shown(first.path)}</code> ${shown(first.message)}${
    more.length === 0
      ? null
      : html`<span class="more" title=${countOf(errors.length, 'problem')}>+${more.length}</span>`
  }</span>`;
}

function deadLetters(sinks: readonly SinkTotals[] | undefined, name: string): number | undefined {
  return sinks
    ?.filter((sink) => name === '' || sink.name === name)
    .reduce((sum, sink) => sum + sink.deadLetters, 0);
}

/** An action on the entries with these IDs, or on all that match the filter. */
export interface Act {
  readonly verb: 'replay' | 'purge';
  readonly ids?: readonly string[];
}
