import { shown } from './parts.js';
import { html, type VNode } from './preact.js';
import { headerTable } from './request-section.js';
import { section } from './section.js';
import type { DeliveryRecord } from './wire.js';

/** What the sender was answered. */
export function answerSection({ answer }: DeliveryRecord): VNode {
  return section(
    'Answer',
    html`<p class="answer-status">Status <span class="status">${answer.status}</span></p>
      ${headerTable(answer.headers, 'Headers of the answer')}
      ${answer.body === '' ? null : html`<pre class="code" tabindex="0" role="region" aria-label="Body of the answer">${shown(answer.body, 'lines')}</pre>`}`,
  );
}
