import type { DeliveryRecord, JsonValue } from '../../data/wire.js';
import { signedPart } from '../../parts/badges.js';
import { shown } from '../../parts/elements.js';
import { numberOf, sizeOf } from '../../parts/format.js';
import { JsonView } from '../../parts/json-view.js';
import { type Tab, tabPanel, tabs } from '../../parts/tabs.js';
import { type Child, h as component, html, useMemo, useState, type VNode } from '../../preact.js';
import { type ByteRange, bytesOf, type HexLine, hexLines } from './hex.js';

type Look = 'text' | 'json' | 'hex';

/** Characters shown at first. */
const FIRST = 20_000;
/** Bytes on one page of the hex dump. */
const PAGE = 4096;

/** Shows the body of a request as text, as indented JSON if it is JSON, and as a hex dump. */
export function BodyView({ record }: { readonly record: DeliveryRecord }): VNode {
  const { request } = record;
  const bytes = useMemo(() => bytesOf(request.body), [request.body]);
  const json = useMemo(() => parsed(bytes), [bytes]);
  const [look, setLook] = useState<Look>('text');
  if (request.bodyBytes === 0) return html`<p class="hint">The request has no body.</p>`;
  const all: readonly Tab<Look>[] = [
    { name: 'text', title: 'Text' },
    ...(json === undefined ? [] : [{ name: 'json', title: 'JSON' } as const]),
    { name: 'hex', title: 'Hex' },
  ];
  const marked = signedRange(record);
  const content = (): VNode => {
    if (look === 'hex') return component(HexView, { bytes, marked });
    if (look === 'json' && json !== undefined) {
      return component(JsonView, { value: json.value, label: 'Body as JSON' });
    }
    return component(TextView, { bytes, marked });
  };
  return html`<div class="body-view">
    <div class="body-bar">
      ${tabs({ id: 'body', label: 'Body as', tabs: all, current: look, onChoose: setLook })}
      <span class="hint">${notes(record, marked)}</span>
    </div>
    ${tabPanel('body', look, content())}
  </div>`;
}

function notes(record: DeliveryRecord, marked: ByteRange | undefined): Child {
  const { contentEncoding, bodyBytes, bodyTruncated, bodyRedacted } = record.request;
  const said = [
    sizeOf(bodyBytes),
    contentEncoding === undefined ? '' : `after ${contentEncoding} was undone`,
    bodyTruncated ? 'only its beginning is kept' : '',
    bodyRedacted ? 'some of it is not shown, so it is not byte for byte what came' : '',
  ].filter((part) => part !== '');
  return [
    said.join('; '),
    marked === undefined || record.signed === undefined
      ? null
      : html` · <mark class="signed">signed</mark>: ${signedPart(record.signed.part)}`,
  ];
}

/** Returns which of the shown bytes are signed; undefined if that is unknown. */
function signedRange({ signed, request }: DeliveryRecord): ByteRange | undefined {
  if (signed?.from === undefined || signed.to === undefined || request.bodyRedacted)
    return undefined;
  return { from: signed.from, to: signed.to };
}

function parsed(bytes: Uint8Array): { readonly value: JsonValue } | undefined {
  const first = bytes.find((byte) => byte > 0x20);
  if (first !== 0x7b && first !== 0x5b) return undefined;
  try {
    return { value: JSON.parse(textOf(bytes)) as JsonValue };
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

interface BytesProps {
  readonly bytes: Uint8Array;
  readonly marked: ByteRange | undefined;
}

function TextView({ bytes, marked }: BytesProps): VNode {
  const [limit, setLimit] = useState(FIRST);
  const piece = (from: number, to: number): string =>
    textOf(bytes.subarray(from, Math.min(to, limit)));
  const { from, to } = marked ?? { from: 0, to: 0 };
  const rest = bytes.length - limit;
  return html`<div>
    <pre class="code wrap" tabindex="0" role="region" aria-label="Body as text">${shown(piece(0, from), 'lines')}${
      marked === undefined || from >= limit
        ? null
        : html`<mark class="signed">${shown(piece(from, to), 'lines')}</mark>`
    }${shown(piece(to, bytes.length), 'lines')}</pre>
    ${rest > 0 ? html`<button type="button" class="button more-lines" onClick=${() => setLimit(limit * 10)}>${sizeOf(rest)} more</button>` : null}
  </div>`;
}

function HexView({ bytes, marked }: BytesProps): VNode {
  const [from, setFrom] = useState(0);
  const to = Math.min(from + PAGE, bytes.length);
  const width = matchMedia('(max-width: 699px)').matches ? 8 : 16;
  const lines = hexLines(bytes, { from, to }, marked, width);
  return html`<div>
    <pre class="code hex" tabindex="0" role="region" aria-label="Body as hexadecimal">${lines.map((line) => hexLine(line, width))}</pre>
    ${
      bytes.length > PAGE
        ? html`<div class="pager">
            <button type="button" class="button" disabled=${from === 0} onClick=${() => setFrom(from - PAGE)}>Previous</button>
            <span>Bytes ${numberOf(from)} to ${numberOf(to - 1)} of ${numberOf(bytes.length)}</span>
            <button type="button" class="button" disabled=${to >= bytes.length} onClick=${() => setFrom(from + PAGE)}>Next</button>
          </div>`
        : null
    }
  </div>`;
}

function hexLine({ offset, cells }: HexLine, width: number): VNode {
  const half = width / 2;
  const gap = '   '.repeat(width - cells.length) + (cells.length < half ? ' ' : '');
  const runs = runsOf(cells);
  let at = 0;
  const hex = runs.map(({ marked, length }) => {
    const text = cells
      .slice(at, at + length)
      .map((cell, index) => `${cell.hex}${at + index === half - 1 ? '  ' : ' '}`)
      .join('');
    at += length;
    return marked ? html`<mark class="signed">${text}</mark>` : text;
  });
  at = 0;
  const ascii = runs.map(({ marked, length }) => {
    const text = cells
      .slice(at, at + length)
      .map((cell) => cell.ascii)
      .join('');
    at += length;
    return marked ? html`<mark class="signed">${text}</mark>` : text;
  });
  return html`<span class="hex-line"><span class="hex-offset">${offset}</span>  ${hex}${gap} ${ascii}${'\n'}</span>`;
}

/** Groups neighboring bytes with the same mark, so that a line has a few elements instead of 32. */
function runsOf(cells: HexLine['cells']): { marked: boolean; length: number }[] {
  const runs: { marked: boolean; length: number }[] = [];
  for (const { marked } of cells) {
    const last = runs.at(-1);
    if (last?.marked === marked) last.length++;
    else runs.push({ marked, length: 1 });
  }
  return runs;
}
