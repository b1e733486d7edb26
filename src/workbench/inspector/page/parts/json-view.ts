import type { JsonValue, Violation } from '../data/wire.js';
import { html, useMemo, useState, type VNode } from '../preact.js';
import { shown } from './elements.js';
import { numberOf } from './format.js';
import { type JsonLine, jsonLines, violationsByLine } from './json-lines.js';

export interface JsonViewProps {
  readonly value: JsonValue;
  readonly label: string;
  readonly violations?: readonly Violation[];
}

/** Lines shown at first, so that a large event does not block the page. */
const FIRST = 400;
/** The most levels of indentation. */
const DEEPEST = 24;

/** Shows JSON with highlighted values, and each violation under its line. */
export function JsonView({ value, label, violations = [] }: JsonViewProps): VNode {
  const lines = useMemo(() => jsonLines(value), [value]);
  const wrong = useMemo(() => violationsByLine(lines, violations), [lines, violations]);
  const [limit, setLimit] = useState(FIRST);
  const rest = lines.length - limit;
  return html`<div class="json">
    <pre class="code" tabindex="0" role="region" aria-label=${label}>${lines.slice(0, limit).map((line, index) => jsonLine(line, wrong.get(index)))}</pre>
    ${rest > 0 ? html`<button type="button" class="button more-lines" onClick=${() => setLimit(limit * 10)}>${numberOf(rest)} more lines</button>` : null}
  </div>`;
}

function jsonLine(line: JsonLine, violations: readonly Violation[] | undefined): VNode {
  const depth = Math.min(line.depth, DEEPEST);
  const isWrong = violations !== undefined;
  return html`<span class="line ${isWrong ? 'is-wrong' : ''}">${'  '.repeat(depth)}${line.tokens.map(
    ({ kind, text }) => html`<span class="t-${kind}">${shown(text)}</span>`,
  )}${'\n'}${violations?.map(
    ({ path, message }) =>
      html`<span class="line-problem">${'  '.repeat(depth)}↑ <code>${shown(path)}</code> ${shown(message)}${'\n'}</span>`,
  )}</span>`;
}
