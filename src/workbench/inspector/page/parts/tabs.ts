import { html, type VNode } from '../preact.js';

export interface Tab<Name extends string> {
  readonly name: Name;
  readonly title: string;
}

export interface TabsOptions<Name extends string> {
  /** Unique on the page; the panel is `${id}-panel`. */
  readonly id: string;
  readonly label: string;
  readonly tabs: readonly Tab<Name>[];
  readonly current: Name;
  readonly onChoose: (name: Name) => void;
}

/** Tabs that follow the WAI-ARIA pattern: arrow keys move between them. */
export function tabs<Name extends string>(options: TabsOptions<Name>): VNode {
  const { id, label, current, onChoose } = options;
  const press = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const at = options.tabs.findIndex(({ name }) => name === current);
    const next = options.tabs[(at + by + options.tabs.length) % options.tabs.length];
    if (next === undefined) return;
    onChoose(next.name);
    document.getElementById(`${id}-${next.name}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${press}>
    ${options.tabs.map(
      ({ name, title }) => html`<button
        key=${name}
        type="button"
        role="tab"
        class="tab"
        id=${`${id}-${name}`}
        aria-selected=${name === current ? 'true' : 'false'}
        aria-controls=${`${id}-panel`}
        tabindex=${name === current ? 0 : -1}
        onClick=${() => onChoose(name)}
      >${title}</button>`,
    )}
  </div>`;
}

/** The panel of a tab. */
export function tabPanel(id: string, current: string, content: unknown): VNode {
  return html`<div class="tab-panel" role="tabpanel" id=${`${id}-panel`} aria-labelledby=${`${id}-${current}`} tabindex="0">${content}</div>`;
}
