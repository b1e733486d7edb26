import { countOf, dateTimeOf, numberOf } from './format.js';
import { badge, shown } from './parts.js';
import { html, type VNode } from './preact.js';
import type { Place } from './route.js';
import type { DeadLetter, Quarantined, SinkTotals, Totals } from './wire.js';

/** The two places where events wait for somebody to decide about them. */
export type ShelfPlace = Extract<Place, 'quarantine' | 'dead-letters'>;

/** An entry of either; which members it has goes by the place. */
export type Entry = DeadLetter & Quarantined;

export interface ShelfKind {
  readonly path: string;
  readonly title: string;
  /** Of one entry, in a sentence. */
  readonly one: string;
  readonly many: string;
  /** By what it can be narrowed: the API's `name`. */
  readonly nameLabel: string;
  /** While there is none. */
  readonly empty: string;
  readonly columns: readonly Column[];
  total(totals: Totals | undefined, name: string): number | undefined;
  /** What a search looks through. */
  text(entry: Entry): string;
}

interface Column {
  readonly title: string;
  readonly name: string;
  cell(entry: Entry): VNode;
}

const time = (at: string): VNode => html`<time datetime=${at} title=${at}>${dateTimeOf(at)}</time>`;

export const SHELVES: Readonly<Record<ShelfPlace, ShelfKind>> = {
  quarantine: {
    path: 'api/quarantine',
    title: 'Quarantine',
    one: 'quarantined event',
    many: 'quarantined events',
    nameLabel: 'Source',
    empty: 'Events that are not valid are kept here until you replay or purge them. There is none.',
    columns: [
      { title: 'Received', name: 'time', cell: ({ receivedAt }) => time(receivedAt) },
      { title: 'Source', name: 'name', cell: ({ source }) => html`<span>${shown(source)}</span>` },
      {
        title: 'Reason',
        name: 'reason',
        cell: ({ reason }) => badge({ label: reason, tone: 'warn' }),
      },
      { title: 'What is wrong', name: 'wrong', cell: wrong },
    ],
    // How many there are of one source the API does not say.
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
      'Events that a sink has not taken in time or for good are kept here until you replay or purge them. There is none.',
    columns: [
      { title: 'Given up', name: 'time', cell: ({ at }) => time(at) },
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
    return html`<span class="hint">${reason === 'unauthenticated' ? 'nothing proves who sent it' : ''}</span>`;
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
