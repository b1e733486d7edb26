import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The pages of the manual, as paths below the repository: the README and every page in docs. */
export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`)
    .sort(),
];

/** The text of a file, by its path below the repository. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The text of a page, by its path below docs. */
export function page(path: string): string {
  return readText(`docs/${path}`);
}

/** The whole manual as one text. Examples are marked, and found in it wherever they are. */
export function manual(): string {
  return PAGES.map(readText).join('\n');
}
