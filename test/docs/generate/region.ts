/**
 * A generated region of a page stands between `<!-- generated: NAME -->` and `<!-- /generated -->`. The rest of the page is
 * written by hand.
 */
const REGION = /(<!-- generated: (.+?) -->\n)[\s\S]*?(<!-- \/generated -->)/g;

/** The page with every generated region written anew. */
export function regenerate(text: string, generate: (name: string) => string): string {
  return text.replace(
    REGION,
    (_, start: string, name: string, end: string) => `${start}\n${generate(name).trim()}\n\n${end}`,
  );
}

/** The names of the generated regions of a page, in their order. */
export function regionsOf(text: string): readonly string[] {
  return [...text.matchAll(REGION)].map((match) => String(match[2]));
}

/** A Markdown table. Pipes and line breaks in cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
