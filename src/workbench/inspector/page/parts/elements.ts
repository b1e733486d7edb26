import { type Child, html, type VNode } from '../preact.js';
import type { Badge } from './badges.js';
import { visibleParts } from './visible.js';

/** Shows foreign text; invisible characters become marked escapes. */
export function shown(text: string, keep: 'lines' | 'nothing' = 'nothing'): Child {
  const parts = visibleParts(text, keep);
  const [only, second] = parts;
  if (only === undefined) return '';
  if (second === undefined && !only.escaped) return only.text;
  return parts.map((part) =>
    part.escaped ? html`<span class="escape">${part.text}</span>` : part.text,
  );
}

/** Shows why an attempt failed: the sink's message, then the server's response. */
export function failure(error: string | undefined, farSide: string | undefined): Child {
  if (farSide === undefined) return shown(error ?? '');
  return html`${shown(error ?? '')}<br /><q>${shown(farSide)}</q>`;
}

/** A label with a background of its tone. */
export function badge({ label, tone }: Badge): VNode {
  return html`<span class="badge ${tone}">${label}</span>`;
}

const MARKS = { good: '✓', info: '•', warn: '!', bad: '✗', quiet: '–' } as const;

/** A label with a sign for its tone, so that it is clear without color. */
export function marked({ label, tone }: Badge): VNode {
  return html`<span class="marked ${tone}"><span class="mark" aria-hidden="true">${MARKS[tone]}</span>${shown(label)}</span>`;
}

/** Only the sign; screen readers read the label. */
export function sign({ label, tone }: Badge, about: string): VNode {
  const text = `${about}: ${label}`;
  return html`<span class="sign ${tone}" title=${text}
    ><span aria-hidden="true">${MARKS[tone]}</span><span class="unseen">${text}, </span></span
  >`;
}

const ICONS = {
  close: 'M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5',
  back: 'M9.5 3 4.5 8l5 5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.4 10.4 14 14',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M4.5 2.8v10.4L13 8Z',
  auto: 'M2.5 3.5h11v7h-11ZM5.5 13.5h5M8 10.5v3',
  light:
    'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9 13 13M3 13l1.1-1.1M11.9 4.1 13 3',
  dark: 'M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z',
  up: 'M8 13V3M3.5 7.5 8 3l4.5 4.5',
} as const;

/** An icon. A button that shows only an icon needs an `aria-label`. */
export function icon(name: keyof typeof ICONS): VNode {
  return html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    <path d=${ICONS[name]} />
  </svg>`;
}
