import type { DeliverySummary } from '../data/wire.js';
import {
  deliveryBadge,
  isConcerned,
  progressOf,
  reasonOf,
  verificationBadge,
} from '../parts/badges.js';
import { badge, marked, shown, sign } from '../parts/elements.js';
import { durationOf, sizeOf, timeOf } from '../parts/format.js';
import { visible } from '../parts/visible.js';
import { html, type VNode } from '../preact.js';
import { hashOf } from '../route.js';

/** Columns, or two lines per row. */
export type RowShape = 'wide' | 'narrow';

const COLUMNS = [
  { name: 'time', title: 'Time' },
  { name: 'outcome', title: 'Outcome' },
  { name: 'request', title: 'Request' },
  { name: 'event', title: 'Event' },
  { name: 'user', title: 'User' },
  { name: 'verified', title: 'Verified' },
  { name: 'latency', title: 'Latency' },
  { name: 'sinks', title: 'Sinks' },
] as const;

export function headings(): VNode {
  return html`<div role="row" class="row heading-row" aria-rowindex="1">
    ${COLUMNS.map(({ name, title }) => html`<div key=${name} role="columnheader" class="c-${name}">${title}</div>`)}
  </div>`;
}

export interface RowPlace {
  /** The index among all rows, from 1, including the header row. */
  readonly index: number;
  readonly isOpen: boolean;
  /** Whether Tab focuses this row. */
  readonly isEntry: boolean;
  readonly onMove: (id: string) => void;
}

export function deliveryRow(delivery: DeliverySummary, place: RowPlace): VNode {
  const { id, first } = delivery;
  const result = deliveryBadge(delivery);
  const reason = reasonOf(delivery);
  const address = hashOf({ place: 'deliveries', id });
  const open = (event: MouseEvent): void => {
    place.onMove(id);
    // The link in the row handles its own clicks, such as Ctrl+click for a new tab.
    if (event.target instanceof Element && event.target.closest('a') !== null) return;
    if (getSelection()?.isCollapsed !== false) location.hash = address;
  };
  return html`<div
    key=${id}
    role="row"
    aria-rowindex=${place.index}
    class="row ${result.tone} ${place.isOpen ? 'is-open' : ''}"
    onClick=${open}
  >
    <div role="cell" class="c-time"><time datetime=${delivery.at} title=${delivery.at}>${timeOf(delivery.at)}</time></div>
    <div role="cell" class="c-outcome" title=${reason === undefined ? null : visible(reason)}>
      <span class="status">${delivery.status}</span>${badge(result)}
    </div>
    <div role="cell" class="c-request" title=${visible(placeOf(delivery))}>
      <span class="method">${shown(delivery.method)}</span> <span class="source">${shown(delivery.source)}</span>
    </div>
    <div role="cell" class="c-event">
      <a
        href=${address}
        data-id=${id}
        tabindex=${place.isEntry ? 0 : -1}
        aria-current=${place.isOpen ? 'true' : null}
        >${eventName(delivery)}</a
      >
      ${reason === undefined ? null : html`<span class="reason">${shown(reason)}</span>`}
    </div>
    <div role="cell" class="c-user mono">${first?.user === undefined ? '' : shown(first.user)}</div>
    <div role="cell" class="c-verified" title=${delivery.reason === undefined ? null : visible(delivery.reason)}>${marked(verificationBadge(delivery))}</div>
    <div role="cell" class="c-latency" title=${sizeOf(delivery.bytes)}>${durationOf(delivery.ms)}</div>
    <div role="cell" class="c-sinks">${delivery.sinks.filter(isConcerned).map((sink) => sign(progressOf(sink), visible(sink.sink)))}</div>
  </div>`;
}

/** Returns the path of the request, and the member that received it. */
function placeOf({ member, path }: DeliverySummary): string {
  return member === undefined ? path : `${path} (received by ${member})`;
}

/** Returns the type and name of the first event, or the path of the request. */
function eventName({ first, count, path }: DeliverySummary): VNode {
  if (first?.type === undefined && first?.event === undefined) {
    return html`<span class="event-path">${shown(path)}</span>`;
  }
  return html`<span class="event">
    ${first.type === undefined ? null : html`<span class="event-type">${shown(first.type)}</span>`}
    ${first.event === undefined ? null : html`<span class="event-name">${shown(first.event)}</span>`}
    ${count > 1 ? html`<span class="more" title=${`${count} events`}>+${count - 1}</span>` : null}
  </span>`;
}
