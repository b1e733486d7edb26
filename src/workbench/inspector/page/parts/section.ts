import { html, type VNode } from '../preact.js';

/** A section of an opened entry; `aside` is shown beside its heading. */
export function section(title: string, content: unknown, aside: unknown = null): VNode {
  const id = `part-${title.toLowerCase().replace(/\W+/g, '-')}`;
  return html`<section class="part" aria-labelledby=${id}>
    <div class="part-head"><h3 id=${id}>${title}</h3>${aside}</div>
    ${content}
  </section>`;
}
