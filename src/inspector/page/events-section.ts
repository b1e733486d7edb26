import { DiffView } from './diff-view.js';
import { countOf } from './format.js';
import { JsonView } from './json-view.js';
import { badge, shown } from './parts.js';
import { type Child, h as component, html, useState, type VNode } from './preact.js';
import { section } from './section.js';
import { type Tab, tabPanel, tabs } from './tabs.js';
import { eventVerdict } from './verdict.js';
import type { DeliveryRecord, EventRecord, JsonValue } from './wire.js';

type Form = 'changes' | 'canonical' | 'decoded';

/** What the delivery's events are: each as it was decoded, as it became, and what is wrong with it. */
export function EventsSection({ record }: { readonly record: DeliveryRecord }): VNode {
  const [chosen, setChosen] = useState(0);
  const [form, setForm] = useState<Form>('canonical');
  const event = record.events[chosen];
  const title = record.count > 1 ? 'Events' : 'Event';
  if (event === undefined) {
    return section(title, html`<p class="hint">Nothing was decoded from it.</p>`);
  }
  const left = record.count - record.events.length;
  return section(
    title,
    html`${record.events.length > 1 ? chooser(record.events, chosen, setChosen) : null}
      ${left > 0 ? html`<p class="hint">The first ${record.events.length} of ${countOf(record.count, 'event')} are kept.</p>` : null}
      <div class="event-facts">
        ${badge(eventVerdict(event))}
        ${event.messageId === undefined ? null : html`<span>messageId <code class="id">${shown(event.messageId)}</code></span>`}
        <span>${event.authenticated ? 'authenticated' : 'not authenticated'}</span>
      </div>
      ${remark(event)}${violations(event)}${forms(event, form, setForm)}`,
  );
}

function chooser(
  events: readonly EventRecord[],
  chosen: number,
  choose: (index: number) => void,
): VNode {
  return html`<div class="event-list" role="group" aria-label="Events of this delivery">
    ${events.map((event, index) => {
      const verdict = eventVerdict(event);
      return html`<button
        key=${event.index}
        type="button"
        class="event-choice"
        aria-pressed=${index === chosen ? 'true' : 'false'}
        onClick=${() => choose(index)}
      >
        <span class="event-number">${event.index + 1}</span>
        <span class="event-label">${shown(nameOf(event))}</span>
        ${badge(verdict)}
      </button>`;
    })}
  </div>`;
}

function nameOf({ canonical, decoded }: EventRecord): string {
  const { type, event } = Object(canonical ?? decoded) as { type?: JsonValue; event?: JsonValue };
  return [type, event].filter((part) => typeof part === 'string').join(' · ') || 'no type';
}

function remark({ outcome, messageId }: EventRecord): Child {
  const remarks: Readonly<Partial<Record<EventRecord['outcome'], string>>> = {
    duplicate: `An event with this messageId was accepted before, so this one was answered 200 and not kept. Search for ${messageId ?? 'it'} to find the first.`,
    looped: 'This receiver sent the event on itself, and it came back: it was dropped.',
    quarantined: 'It is kept in quarantine, from where it can be replayed.',
  };
  const text = remarks[outcome];
  return text === undefined ? null : html`<p class="hint">${shown(text)}</p>`;
}

function violations({ violations: all }: EventRecord): Child {
  if (all.length === 0) return null;
  return html`<ul class="violations" aria-label="What is not valid">
    ${all.map(({ path, message }) => html`<li><code>${path === '' ? '(whole event)' : shown(path)}</code> ${shown(message)}</li>`)}
  </ul>`;
}

function forms(event: EventRecord, wanted: Form, choose: (form: Form) => void): VNode {
  const { canonical, decoded } = event;
  const all: readonly Tab<Form>[] = [
    { name: 'canonical', title: 'Canonical' },
    { name: 'changes', title: 'Changes' },
    { name: 'decoded', title: 'Decoded' },
  ];
  const possible = canonical === undefined ? all.filter(({ name }) => name === 'decoded') : all;
  const form = possible.some(({ name }) => name === wanted) ? wanted : 'decoded';
  const content = (): VNode => {
    if (form === 'changes' && canonical !== undefined) {
      return component(DiffView, { before: decoded, after: canonical });
    }
    const value = form === 'canonical' && canonical !== undefined ? canonical : decoded;
    const label = form === 'canonical' ? 'Canonical event' : 'Decoded event';
    return component(JsonView, { key: form, value, label, violations: event.violations });
  };
  return html`${tabs({ id: 'form', label: 'Form of the event', tabs: possible, current: form, onChoose: choose })}
    ${tabPanel('form', form, content())}` as VNode;
}
