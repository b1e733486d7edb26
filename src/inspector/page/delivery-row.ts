import { durationOf, sizeOf, timeOf } from './format.js';
import { badge, marked, shown, sign } from './parts.js';
import { html, type VNode } from './preact.js';
import { hashOf } from './route.js';
import { isConcerned, progressOf, reasonOf, verdictOf, verificationOf } from './verdict.js';
import { visible } from './visible.js';
import type { DeliverySummary } from './wire.js';

/** Columns side by side, or two lines a row. */
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
  /** Among all rows, the headings' included, from 1. */
  readonly index: number;
  readonly isOpen: boolean;
  /** Whether Tab comes to this row. */
  readonly isEntry: boolean;
  readonly onMove: (id: string) => void;
}

export function deliveryRow(delivery: DeliverySummary, place: RowPlace): VNode {
  const { id, first } = delivery;
  const verdict = verdictOf(delivery);
  const reason = reasonOf(delivery);
  const address = hashOf({ place: 'deliveries', id });
  const open = (event: MouseEvent): void => {
    place.onMove(id);
    // The link in the row does this by itself, and more: another tab with Ctrl, and so on.
    if (event.target instanceof Element && event.target.closest('a') !== null) return;
    if (getSelection()?.isCollapsed !== false) location.hash = address;
  };
  return html`<div
    key=${id}
    role="row"
    aria-rowindex=${place.index}
    class="row ${verdict.tone} ${place.isOpen ? 'is-open' : ''}"
    onClick=${open}
  >
    <div role="cell" class="c-time"><time datetime=${delivery.at} title=${delivery.at}>${timeOf(delivery.at)}</time></div>
    <div role="cell" class="c-outcome" title=${reason === undefined ? null : visible(reason)}>
      <span class="status">${delivery.status}</span>${badge(verdict)}
    </div>
    <div role="cell" class="c-request" title=${visible(delivery.path)}>
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
    <div role="cell" class="c-verified" title=${delivery.reason === undefined ? null : visible(delivery.reason)}>${marked(verificationOf(delivery))}</div>
    <div role="cell" class="c-latency" title=${sizeOf(delivery.bytes)}>${durationOf(delivery.ms)}</div>
    <div role="cell" class="c-sinks">${delivery.sinks.filter(isConcerned).map((sink) => sign(progressOf(sink), visible(sink.sink)))}</div>
  </div>`;
}

/** What one knows a delivery by: type and name of its first event, or where it went. */
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
