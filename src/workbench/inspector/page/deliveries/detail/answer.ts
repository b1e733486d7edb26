import type { DeliveryRecord } from '../../data/wire.js';
import { shown } from '../../parts/elements.js';
import { section } from '../../parts/section.js';
import { html, type VNode } from '../../preact.js';
import { headerTable } from './request.js';

/** Shows the response that the sender received. */
export function answerSection({ answer }: DeliveryRecord): VNode {
  return section(
    'Answer',
    html`<p class="answer-status">Status <span class="status">${answer.status}</span></p>
      ${headerTable(answer.headers, 'Headers of the answer')}
      ${answer.body === '' ? null : html`<pre class="code" tabindex="0" role="region" aria-label="Body of the answer">${shown(answer.body, 'lines')}</pre>`}`,
  );
}
