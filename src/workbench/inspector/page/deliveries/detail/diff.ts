import type { JsonValue } from '../../data/wire.js';
import { type Difference, differences } from '../../parts/diff.js';
import { shown } from '../../parts/elements.js';
import { countOf } from '../../parts/format.js';
import { html, useMemo, type VNode } from '../../preact.js';

export interface DiffViewProps {
  readonly before: JsonValue;
  readonly after: JsonValue;
}

/** The most rows; an event with more differences is a different event. */
const MOST = 500;
/** The most characters of a value. */
const LONGEST = 2_000;

const SIGNS = { added: '+', removed: '−', changed: '~' } as const;

/** Shows how the canonical event differs from the decoded one: one row for each difference. */
export function DiffView({ before, after }: DiffViewProps): VNode {
  const found = useMemo(() => differences(before, after), [before, after]);
  if (found.length === 0) {
    return html`<p class="hint">The canonical event is exactly what was decoded.</p>`;
  }
  const count = (kind: Difference['kind']): number =>
    found.filter((each) => each.kind === kind).length;
  return html`<div class="diff">
    <p class="hint">
      From decoded to canonical: ${countOf(count('added'), 'place')} added, ${count('changed')} changed,
      ${' '}${count('removed')} removed.
    </p>
    <div class="scroll-x" tabindex="0" role="region" aria-label="Changes">
      <table class="table diff-table">
        <thead>
          <tr><th scope="col" class="diff-sign"><span class="unseen">Kind</span></th><th scope="col" class="diff-path">Path</th><th scope="col">Decoded</th><th scope="col">Canonical</th></tr>
        </thead>
        <tbody>${found.slice(0, MOST).map(row)}</tbody>
      </table>
    </div>
  </div>`;
}

function row(difference: Difference): VNode {
  const { kind, path } = difference;
  return html`<tr class="diff-row ${kind}">
    <td class="diff-sign"><span aria-hidden="true">${SIGNS[kind]}</span><span class="unseen">${kind}</span></td>
    <th scope="row" class="diff-path"><code>${path === '' ? '(whole)' : shown(path)}</code></th>
    <td>${kind === 'added' ? null : value(difference.before, 'before')}</td>
    <td>${kind === 'removed' ? null : value(difference.after, 'after')}</td>
  </tr>`;
}

function value(json: JsonValue, side: 'before' | 'after'): VNode {
  const text = JSON.stringify(json);
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return html`<code class="diff-value ${side}">${shown(cut)}</code>`;
}
