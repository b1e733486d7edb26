import type { DeliveryRecord, HeaderLine } from '../../data/wire.js';
import { shown } from '../../parts/elements.js';
import { section } from '../../parts/section.js';
import { h as component, html, type VNode } from '../../preact.js';
import { BodyView } from './body.js';

/** Shows the request as received: request line, headers and body. */
export function requestSection(record: DeliveryRecord): VNode {
  const { request } = record;
  return section(
    'Request',
    html`<pre class="code request-line" tabindex="0" role="region" aria-label="Request line">${shown(record.method)} ${shown(record.path)} HTTP/${shown(request.httpVersion)}</pre>
      ${headerTable(request.headers, 'Headers of the request')}
      <h4>Body</h4>
      ${component(BodyView, { key: record.id, record })}`,
  );
}

/** Header lines in the order received. */
export function headerTable(headers: readonly HeaderLine[], label: string): VNode {
  return html`<table class="table headers" aria-label=${label}>
    <tbody>
      ${headers.map(
        ([name, value]) =>
          html`<tr><th scope="row"><code>${shown(name)}</code></th><td><code>${shown(value)}</code></td></tr>`,
      )}
    </tbody>
  </table>`;
}
