import { numberOf } from './format.js';
import { type JsonLine, jsonLines, violationsByLine } from './json-lines.js';
import { shown } from './parts.js';
import { html, useMemo, useState, type VNode } from './preact.js';
import type { JsonValue, Violation } from './wire.js';

export interface JsonViewProps {
  readonly value: JsonValue;
  readonly label: string;
  readonly violations?: readonly Violation[];
}

/** Lines at first: a large event must not hold up the page. */
const FIRST = 400;
/** Steps that are indented; what is nested deeper stands below each other. */
const DEEPEST = 24;

/** JSON in lines, its kinds of values told apart, with what is wrong under the line it is about. */
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
