type Cell = string | number;

/** Returns text as HTML. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Returns a table. Columns of numbers are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const heads = head.map((text) => `<th scope="col">${escaped(text)}</th>`).join('');
  const lines = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<div class="table"><table><thead><tr>${heads}</tr></thead><tbody>${lines}</tbody></table></div>`;
}

function cell(value: Cell): string {
  return typeof value === 'number'
    ? `<td class="number">${value.toLocaleString('en-US')}</td>`
    : `<td>${escaped(value)}</td>`;
}

/** Returns a list of names and values. */
export function list(rows: readonly (readonly [string, Cell])[]): string {
  const items = rows.map(
    ([name, value]) =>
      `<div><dt>${escaped(name)}</dt><dd>${typeof value === 'number' ? value.toLocaleString('en-US') : escaped(value)}</dd></div>`,
  );
  return `<dl>${items.join('')}</dl>`;
}
