import { parse } from 'yaml';

/** A fenced block of code: the language, the word after it that names its use, and its text. */
export interface Fence {
  readonly language: string;
  readonly use: string;
  readonly text: string;
}

export function fencesOf(markdown: string): readonly Fence[] {
  return [...markdown.matchAll(/^```(\S+)[ ]?(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: String(match[1]),
    use: String(match[2]),
    text: String(match[3]),
  }));
}

/** The text of the one fence of this language and use. Throws where there is none, or more than one. */
export function fence(markdown: string, language: string, use: string): string {
  const found = fencesOf(markdown).filter((each) => each.language === language && each.use === use);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`${found.length} blocks are marked "${language} ${use}"; there should be one`);
  }
  return only.text;
}

/** The options of the one sink that an example configuration has. */
export function sinkExample(markdown: string, use: string): Record<string, unknown> {
  const { sinks, ...rest } = parse(fence(markdown, 'yaml', use));
  const [only] = Object.values<Record<string, unknown>>(sinks);
  if (only === undefined || Object.keys({ ...rest, ...sinks }).length > 1) {
    throw new Error(`${use} is not a configuration of one sink`);
  }
  return only;
}

function withoutFences(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, '');
}

/** What stands under a heading, up to the next one of the same or a higher level. */
export function section(markdown: string, heading: string): string {
  // A comment of a shell block is no heading.
  const masked = markdown.replace(/^```[\s\S]*?^```$/gm, (block) => block.replaceAll('#', '.'));
  const start = new RegExp(`^(#+) ${heading.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`, 'm').exec(
    masked,
  );
  if (start === null) throw new Error(`there is no heading "${heading}"`);
  const from = start.index + start[0].length;
  const end = new RegExp(`^#{1,${String(start[1]).length}} `, 'm').exec(masked.slice(from));
  return markdown.slice(from, end === null ? undefined : from + end.index);
}

/** The body rows of the n-th table of a text, each as its trimmed cells. */
export function tableOf(markdown: string, index = 0): readonly (readonly string[])[] {
  const tables = withoutFences(markdown).match(/(?:^\|.*\|$\n?)+/gm) ?? [];
  const lines = tables[index]?.trim().split('\n').slice(2);
  if (lines === undefined) throw new Error(`there is no table ${index}`);
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** Everything in `code` spans of a text. */
export function codeIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => String(match[1]));
}

/** The targets of all links, without the fences. */
export function linksOf(markdown: string): readonly string[] {
  return [...withoutFences(markdown).matchAll(/\[[^\]]+\]\(([^)\s]+)\)/g)].map((match) =>
    String(match[1]),
  );
}

/** The anchors that a repository's host makes of the headings. */
export function anchorsOf(markdown: string): readonly string[] {
  return [...withoutFences(markdown).matchAll(/^#+ (.+)$/gm)].map((match) =>
    String(match[1])
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}
