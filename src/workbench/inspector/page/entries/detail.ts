import { ApiProblem, messageOf } from '../data/api.js';
import type { Inspector } from '../data/inspector.js';
import { badge, failure, icon, shown } from '../parts/elements.js';
import { dateTimeOf, timeOf } from '../parts/format.js';
import { JsonView } from '../parts/json-view.js';
import { section } from '../parts/section.js';
import {
  type Child,
  h as component,
  html,
  useEffect,
  useRef,
  useState,
  type VNode,
} from '../preact.js';
import { hashOf } from '../route.js';
import { type Act, ENTRY_KINDS, type Entry, type EntryPlace } from './kinds.js';

export interface EntryDetailProps {
  readonly inspector: Inspector;
  readonly place: EntryPlace;
  readonly id: string;
  readonly onClose: () => void;
  readonly onAct: (act: Act) => void;
}

/** Shows one quarantined event or dead letter, and why it is there. */
export function EntryDetail({ inspector, place, id, onClose, onAct }: EntryDetailProps): VNode {
  const [loaded, setLoaded] = useState<Entry | string>('Loading…');
  const title = useRef<HTMLElement | null>(null);
  const { path, one } = ENTRY_KINDS[place];
  useEffect(() => {
    title.current?.focus();
    inspector.api.get(`${path}/${encodeURIComponent(id)}`).then(
      (entry) => setLoaded(entry as unknown as Entry),
      (error: unknown) =>
        setLoaded(
          error instanceof ApiProblem && error.status === 404
            ? 'This entry was replayed or purged.'
            : messageOf(error),
        ),
    );
    return undefined;
  }, []);
  const name = `${one.charAt(0).toUpperCase()}${one.slice(1)} ${id}`;
  return html`<section class="pane detail-pane" aria-labelledby="detail-title">
    <div class="detail-head">
      <button type="button" class="icon-button back" aria-label="Back to the list" onClick=${onClose}>${icon('back')}</button>
      <h2 id="detail-title" ref=${title} tabindex="-1">${shown(name)}</h2>
      <button type="button" class="icon-button shut" aria-label="Close" title="Close (Esc)" onClick=${onClose}>${icon('close')}</button>
    </div>
    ${
      typeof loaded === 'string'
        ? html`<div class="notice" role="status"><p>${loaded}</p></div>`
        : html`<div class="detail-body">
            <div class="summary">${place === 'quarantine' ? quarantineFacts(loaded) : deadLetterFacts(loaded)}</div>
            <div class="actions"><div class="action-buttons">
              <button type="button" class="button primary" onClick=${() => onAct({ verb: 'replay', ids: [id] })}>Replay</button>
              <button type="button" class="button danger" onClick=${() => onAct({ verb: 'purge', ids: [id] })}>Purge</button>
            </div></div>
            ${problems(loaded)}
            ${attempts(loaded)}
            ${loaded.event === undefined ? null : section('Event', component(JsonView, { value: loaded.event, label: 'The event', violations: loaded.errors ?? [] }))}
            ${loaded.delivery === undefined ? null : section('Delivery', component(JsonView, { value: loaded.delivery, label: 'The delivery' }))}
          </div>`
    }
  </section>`;
}

function fact(name: string, value: Child, width = ''): VNode {
  return html`<div class="fact ${width}"><dt>${name}</dt><dd>${value}</dd></div>`;
}

function quarantineFacts({ reason, receivedAt, source, deliveryId }: Entry): VNode {
  const link = html`<a class="id mono" href=${hashOf({ place: 'deliveries', id: deliveryId })}>${shown(deliveryId)}</a>`;
  return html`<dl class="facts">
    ${fact('Reason', badge({ label: reason, tone: 'warn' }))}
    ${fact('Received', html`<time datetime=${receivedAt}>${dateTimeOf(receivedAt)}</time>`)}
    ${fact('Source', shown(source))}
    ${fact('Delivery', link, 'broad')}
  </dl>`;
}

function deadLetterFacts({ sink, at, messageId, attemptCount }: Entry): VNode {
  return html`<dl class="facts">
    ${fact('Sink', shown(sink))}
    ${fact('Time', html`<time datetime=${at}>${dateTimeOf(at)}</time>`)}
    ${fact('Attempts', String(attemptCount))}
    ${fact('messageId', html`<code class="id">${shown(messageId ?? 'none')}</code>`, 'broad')}
  </dl>`;
}

function problems({ errors }: Entry): Child {
  if (errors === undefined || errors.length === 0) return null;
  return section(
    'Errors',
    html`<ul class="violations">${errors.map(({ path, message }) => html`<li><code>${path === '' ? '(whole event)' : shown(path)}</code> ${shown(message)}</li>`)}</ul>`,
  );
}

function attempts({ attempts: all }: Entry): Child {
  if (all === undefined) return null;
  return section(
    'Attempts',
    html`<div class="scroll-x" tabindex="0" role="region" aria-label="List of attempts"><table class="table attempts">
      <thead><tr><th scope="col">Time</th><th scope="col">Error</th></tr></thead>
      <tbody>${all.map(({ at, error, farSide }) => html`<tr><td class="mono"><time datetime=${at} title=${at}>${dateTimeOf(at).slice(0, 10)} ${timeOf(at)}</time></td><td class="attempt-error">${failure(error, farSide)}</td></tr>`)}</tbody>
    </table></div>`,
  );
}
