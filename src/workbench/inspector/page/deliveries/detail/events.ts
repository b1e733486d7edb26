import type { DeliveryRecord, EventRecord, JsonValue } from '../../data/wire.js';
import { eventBadge } from '../../parts/badges.js';
import { badge, shown } from '../../parts/elements.js';
import { countOf } from '../../parts/format.js';
import { JsonView } from '../../parts/json-view.js';
import { section } from '../../parts/section.js';
import { type Tab, tabPanel, tabs } from '../../parts/tabs.js';
import { type Child, h as component, html, useState, type VNode } from '../../preact.js';
import { DiffView } from './diff.js';

type Form = 'changes' | 'canonical' | 'decoded';

/** Shows each event as decoded and as canonical, with its violations. */
export function EventsSection({ record }: { readonly record: DeliveryRecord }): VNode {
  const [chosen, setChosen] = useState(0);
  const [form, setForm] = useState<Form>('canonical');
  const event = record.events[chosen];
  const title = record.count > 1 ? 'Events' : 'Event';
  if (event === undefined) {
    return section(title, html`<p class="hint">The delivery was not decoded.</p>`);
  }
  const left = record.count - record.events.length;
  return section(
    title,
    html`${record.events.length > 1 ? chooser(record.events, chosen, setChosen) : null}
      ${left > 0 ? html`<p class="hint">The first ${record.events.length} of ${countOf(record.count, 'event')} are recorded.</p>` : null}
      <div class="event-facts">
        ${badge(eventBadge(event))}
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
      const result = eventBadge(event);
      return html`<button
        key=${event.index}
        type="button"
        class="event-choice"
        aria-pressed=${index === chosen ? 'true' : 'false'}
        onClick=${() => choose(index)}
      >
        <span class="event-number">${event.index + 1}</span>
        <span class="event-label">${shown(nameOf(event))}</span>
        ${badge(result)}
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
    duplicate: `An event with this messageId was accepted earlier. This one was answered 200 and not stored. Search for ${messageId ?? 'it'} to find the first.`,
    looped: 'This receiver forwarded the event, and it came back. It was dropped.',
    quarantined: 'The event is in quarantine and can be replayed from there.',
  };
  const text = remarks[outcome];
  return text === undefined ? null : html`<p class="hint">${shown(text)}</p>`;
}

function violations({ violations: all }: EventRecord): Child {
  if (all.length === 0) return null;
  return html`<ul class="violations" aria-label="Errors">
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
