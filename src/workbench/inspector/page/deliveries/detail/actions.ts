import type { Api } from '../../data/api.js';
import { messageOf } from '../../data/api.js';
import type { Inspector } from '../../data/inspector.js';
import type { DeliveryRecord } from '../../data/wire.js';
import { copyText } from '../../parts/copy.js';
import { shown } from '../../parts/elements.js';
import { countOf } from '../../parts/format.js';
import { type Child, html, useState, type VNode } from '../../preact.js';
import { hashOf } from '../../route.js';

export interface DeliveryActionsProps {
  readonly inspector: Inspector;
  readonly record: DeliveryRecord;
}

interface Result {
  readonly tone: 'good' | 'bad';
  readonly text: Child;
  /** Shown below the buttons, to read or copy. */
  readonly command?: string;
}

/** The actions on a delivery, and the result of the latest one. */
export function DeliveryActions({ inspector, record }: DeliveryActionsProps): VNode {
  const [busy, setBusy] = useState<string | undefined>(undefined);
  const [result, setResult] = useState<Result | undefined>(undefined);
  const { api } = inspector;
  const path = `api/deliveries/${encodeURIComponent(record.id)}`;

  const button = (label: string, hint: string, act: () => Promise<Result>): VNode => {
    const press = async (): Promise<void> => {
      if (busy !== undefined) return;
      setBusy(label);
      setResult(undefined);
      setResult(await act().catch((error): Result => ({ tone: 'bad', text: messageOf(error) })));
      setBusy(undefined);
    };
    return html`<button type="button" class="button" title=${hint} aria-disabled=${busy === label} onClick=${press}>${busy === label ? 'Working…' : label}</button>`;
  };
  const hasAccepted = record.events.some(({ eventId }) => eventId !== undefined);
  return html`<div class="actions" role="group" aria-label="Actions">
    <div class="action-buttons">
      ${hasAccepted ? button('Replay to sinks', 'Deliver the accepted events to the sinks again, with the same messageId', () => replay(api, path)) : null}
      ${button('Send again', 'Send the same bytes to this receiver again', () => sendAgain(api, path, false))}
      ${button('Send with new ids', 'Send it with new messageIds, signed again if its signature was valid', () => sendAgain(api, path, true))}
      ${button('Copy as curl', 'A command that sends the same bytes', () => copyCurl(api, path))}
      ${button('Save as fixture', 'A file for trackbridge send --replay', () => saveFixture(api, path, record.id))}
    </div>
    <div role="status" class="result-place">${result === undefined ? null : resultOf(result)}</div>
  </div>`;
}

function resultOf({ tone, text, command }: Result): VNode {
  return html`<div class="result ${tone}">
    <p>${text}</p>
    ${command === undefined ? null : html`<pre class="command" tabindex="0" aria-label="The curl command"><code>${shown(command, 'lines')}</code></pre>`}
  </div>`;
}

async function replay(api: Api, path: string): Promise<Result> {
  const { replayed, full = [] } = (await api.post(`${path}/replay`, {})) as unknown as {
    replayed: number;
    full?: readonly string[];
  };
  if (replayed === 0) return { tone: 'bad', text: 'No event could be replayed to the sinks.' };
  const text = `${countOf(replayed, 'event')} replayed. New attempts appear under Sinks.`;
  if (full.length === 0) return { tone: 'good', text };
  const names = full.map((name) => shown(name)).join(', ');
  return {
    tone: 'bad',
    text: `${text} These sinks have no room for all of them (maxPending): ${names}.`,
  };
}

async function sendAgain(api: Api, path: string, newIds: boolean): Promise<Result> {
  const { status, id } = (await api.post(`${path}/send-again`, { newIds })) as {
    status: number;
    id: string;
  };
  const link = html`<a href=${hashOf({ place: 'deliveries', id })}>Open the new delivery</a>`;
  const tone = status >= 200 && status < 300 ? 'good' : 'bad';
  return { tone, text: [`Sent; it was answered ${status}. `, link, '.'] };
}

async function copyCurl(api: Api, path: string): Promise<Result> {
  const command = await (await api.open(`${path}/curl`)).text();
  const text = (await copyText(command))
    ? 'Copied to the clipboard:'
    : 'The browser does not allow copying. Select the command:';
  return { tone: 'good', text, command };
}

async function saveFixture(api: Api, path: string, id: string): Promise<Result> {
  const file = await (await api.open(`${path}/fixture`)).blob();
  const name = `delivery-${id}.json`;
  const address = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has read the data when this task ends.
  setTimeout(() => URL.revokeObjectURL(address));
  return { tone: 'good', text: `Saved as ${name}; trackbridge send --replay ${name} sends it.` };
}
