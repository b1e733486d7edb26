import { html, type VNode } from '../preact.js';
import { visible } from './visible.js';

export interface SelectOptions {
  readonly label: string;
  /** The label for no choice. */
  readonly all: string;
  readonly value: string;
  readonly choices: readonly string[];
  readonly onChoose: (value: string) => void;
}

/** A filter of a list; '' is no choice. The current choice stays listed even if no entry has it anymore. */
export function select({ label, all, value, choices, onChoose }: SelectOptions): VNode {
  const known = value === '' || choices.includes(value) ? choices : [value, ...choices];
  return html`<select
    class="select ${value === '' ? '' : 'is-on'}"
    aria-label=${label}
    onChange=${(event: Event) => onChoose((event.target as HTMLSelectElement).value)}
  >
    <option value="" selected=${value === ''}>${all}</option>
    ${known.map((each) => html`<option key=${each} value=${each} selected=${each === value}>${visible(each.replaceAll('_', ' '))}</option>`)}
  </select>`;
}
