import { html, type VNode } from '../preact.js';
import { hashOf } from '../route.js';
import type { Entry, EntryKind, EntryPlace } from './kinds.js';

export interface EntryTableOptions {
  readonly place: EntryPlace;
  readonly kind: EntryKind;
  readonly rows: readonly Entry[];
  readonly openId: string | undefined;
  readonly chosen: ReadonlySet<string>;
  readonly choose: (chosen: ReadonlySet<string>) => void;
}

/** A table of one page of entries, with checkboxes for actions on several of them. */
export function entryTable(options: EntryTableOptions): VNode {
  const { kind, rows, chosen, choose } = options;
  const isAll = rows.every(({ id }) => chosen.has(id));
  const chooseAll = (): void => choose(isAll ? new Set() : new Set(rows.map(({ id }) => id)));
  return html`<div class="entries-scroll">
    <table class="table entries-table" aria-labelledby="list-title">
      <thead>
        <tr>
          <th scope="col" class="s-box"><input type="checkbox" aria-label="Select all on this page" checked=${isAll} onChange=${chooseAll} /></th>
          ${kind.columns.map(({ name, title }) => html`<th scope="col" class="s-${name}">${title}</th>`)}
        </tr>
      </thead>
      <tbody>${rows.map((entry) => row(entry, options))}</tbody>
    </table>
  </div>`;
}

function row(entry: Entry, { place, kind, openId, chosen, choose }: EntryTableOptions): VNode {
  const { id } = entry;
  const address = hashOf({ place, id });
  const turn = (): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    choose(next);
  };
  const open = (event: MouseEvent): void => {
    if (event.target instanceof Element && event.target.closest('a, input, .s-box') !== null)
      return;
    location.hash = address;
  };
  return html`<tr key=${id} class=${id === openId ? 'is-open' : ''} onClick=${open}>
    <td class="s-box"><input type="checkbox" aria-label=${`Select entry ${id}`} checked=${chosen.has(id)} onChange=${turn} /></td>
    ${kind.columns.map(({ name, cell }, index) => {
      const content = cell(entry);
      return html`<td class="s-${name}">${
        index === 0
          ? html`<a href=${address} aria-current=${id === openId ? 'true' : null}>${content}</a>`
          : content
      }</td>`;
    })}
  </tr>`;
}
