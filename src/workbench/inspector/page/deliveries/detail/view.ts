import { ApiProblem, messageOf } from '../../data/api.js';
import type { Inspector } from '../../data/inspector.js';
import type { DeliveryRecord } from '../../data/wire.js';
import { deliveryBadge } from '../../parts/badges.js';
import { badge, icon, shown } from '../../parts/elements.js';
import { dateTimeOf, durationOf, sizeOf, timeOf } from '../../parts/format.js';
import { h as component, html, useEffect, useRef, useState, type VNode } from '../../preact.js';
import { DeliveryActions } from './actions.js';
import { answerSection } from './answer.js';
import { EventsSection } from './events.js';
import { requestSection } from './request.js';
import { sinksSection } from './sinks.js';
import { VerificationSection } from './verification.js';

export interface DeliveryDetailProps {
  readonly inspector: Inspector;
  readonly id: string;
  readonly onClose: () => void;
}

/** Shows one delivery: the request, its events, and what each sink did with them. */
export function DeliveryDetail({ inspector, id, onClose }: DeliveryDetailProps): VNode {
  const loaded = useRecord(inspector, id);
  const title = useRef<HTMLElement | null>(null);
  useEffect(() => {
    // On a phone the list is hidden, and with it the element that had the focus.
    const list = document.querySelector('.list-pane');
    if (list !== null && getComputedStyle(list).display === 'none') title.current?.focus();
    return undefined;
  }, []);
  const record = typeof loaded === 'object' ? loaded : undefined;
  return html`<section class="pane detail-pane" aria-labelledby="detail-title">
    <div class="detail-head">
      <button type="button" class="icon-button back" aria-label="Back to the list" onClick=${onClose}>${icon('back')}</button>
      <h2 id="detail-title" ref=${title} tabindex="-1">${record === undefined ? 'Delivery' : titleOf(record)}</h2>
      <button type="button" class="icon-button shut" aria-label="Close" title="Close (Esc)" onClick=${onClose}>${icon('close')}</button>
    </div>
    ${
      record === undefined
        ? html`<div class="notice" role="status"><p>${loaded}</p></div>`
        : html`<div class="detail-body" tabindex="-1">
            ${summary(record)}
            ${component(DeliveryActions, { inspector, record })}
            ${component(VerificationSection, { inspector, record })}
            ${component(EventsSection, { record })}
            ${sinksSection(record)}
            ${requestSection(record)}
            ${answerSection(record)}
          </div>`
    }
  </section>`;
}

function titleOf({ method, path }: DeliveryRecord): VNode {
  return html`<span class="title-line"><span class="method">${shown(method)}</span> ${shown(path)}</span>`;
}

function summary(record: DeliveryRecord): VNode {
  return html`<div class="summary">
    <p class="summary-outcome"><span class="status">${record.status}</span>${badge(deliveryBadge(record))}
      ${record.detail === undefined ? null : html`<span class="summary-detail">${shown(record.detail)}</span>`}
    </p>
    <dl class="facts">
      ${fact('Received', html`<time datetime=${record.at} title=${record.at}>${dateTimeOf(record.at).slice(0, 10)} ${timeOf(record.at)}</time>`)}
      ${fact('Answered in', durationOf(record.ms))}
      ${fact('Source', shown(record.source))}
      ${record.member === undefined ? null : fact('Received by', shown(record.member))}
      ${fact('From', shown(record.remote))}
      ${fact('Body', sizeOf(record.bytes))}
      ${fact('Id', html`<code class="id">${shown(record.id)}</code>`, 'broad')}
    </dl>
  </div>`;
}

function fact(name: string, value: unknown, width = ''): VNode {
  return html`<div class="fact ${width}"><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** Milliseconds between a sink's attempt and the reload, because attempts arrive in groups. */
const SETTLED = 400;

/** Returns the delivery, or a message while there is none. Reloads it after each attempt of a sink. */
function useRecord(inspector: Inspector, id: string): DeliveryRecord | string {
  const [loaded, setLoaded] = useState<DeliveryRecord | string>(
    () => inspector.held(id) ?? 'Loading…',
  );
  useEffect(() => {
    let isHere = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      timer = undefined;
      const path = `api/deliveries/${encodeURIComponent(id)}`;
      const next = await inspector.api.get(path).then(
        (record) => record as unknown as DeliveryRecord,
        (error: unknown) => inspector.held(id) ?? problemText(error),
      );
      if (isHere) setLoaded((before) => keepRead(before, next));
    };
    void load();
    const stop = inspector.onAttempt(({ deliveryId }) => {
      if (deliveryId === id) timer ??= setTimeout(load, SETTLED);
    });
    return () => {
      isHere = false;
      clearTimeout(timer);
      stop();
    };
  }, [inspector, id]);
  return loaded;
}

/** Keeps showing a delivery that the receiver has dropped in the meantime. */
function keepRead(
  before: DeliveryRecord | string,
  next: DeliveryRecord | string,
): DeliveryRecord | string {
  return typeof next === 'string' && typeof before === 'object' ? before : next;
}

function problemText(error: unknown): string {
  if (error instanceof ApiProblem && error.status === 404) {
    return 'This delivery is no longer recorded. The receiver keeps the newest ones; admin.record.deliveries sets how many.';
  }
  return messageOf(error);
}
