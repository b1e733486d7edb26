import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst, transformWithEsbuild } from 'vite';
import { describe, expect, it } from 'vitest';
import { cpuTimeOf } from './support/cpu-time.js';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const LENGTH = 100_000;
/**
 * Milliseconds of CPU time. A pattern that looks at each character a few times takes far below one for such a text; one that goes back
 * to each of them takes seconds, one that does so twice never ends. In between is room for any machine.
 */
const FAR_TOO_LONG = 1_000;
const COMMON = [' ', 'a', '0', '"', '\\', '=', '%', '[', ']', '<', '&', '\n', '\ud800'];

interface Found {
  readonly file: string;
  readonly pattern: RegExp;
}

async function patternsOf(file: string): Promise<Found[]> {
  const { code } = await transformWithEsbuild(readFileSync(join(SRC, file), 'utf8'), file, {
    target: 'es2023',
  });
  const found: Found[] = [];
  const look = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { regex } = node as { regex?: { pattern: string; flags: string } };
    if (regex !== undefined) found.push({ file, pattern: new RegExp(regex.pattern, regex.flags) });
    for (const child of Object.values(node)) look(child);
  };
  look(parseAst(code));
  return found;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.(ts|js)$/.test(file),
);
const patterns = (await Promise.all(files.map(patternsOf)))
  .flat()
  .filter(({ pattern }) => /[*+]|,\}/.test(pattern.source));

/** Texts that make a pattern go back as often as it can: its own characters again and again, and an end it cannot like. */
function* pumped({ source }: RegExp): Generator<string> {
  const characters = [...new Set([...source.replace(/\\[a-zA-Z]/g, ''), ...COMMON])];
  // What has to come first, for patterns that look no further without it.
  const starts = ['', source.replace(/\\s\*|[\\^$()?:]/g, '').slice(0, 8), ...COMMON.slice(0, 5)];
  for (const character of characters) {
    for (const start of starts) yield `${start}${character.repeat(LENGTH)}\0`;
  }
  for (const character of characters) {
    yield `${character} `.repeat(LENGTH / 2);
    yield `${character}=`.repeat(LENGTH / 2);
  }
}

describe('a pattern in src that repeats something', () => {
  it('is found', () => {
    // Otherwise nothing below would be shown.
    expect(patterns.length).toBeGreaterThan(20);
  });

  it.each(patterns.map(({ file, pattern }) => ({ file, source: pattern.source, pattern })))(
    'takes time that grows with the text alone: $file /$source/',
    ({ pattern }) => {
      for (const text of pumped(pattern)) {
        const took = cpuTimeOf(() => void text.replace(pattern, ''));
        expect(took, JSON.stringify(text.slice(0, 20))).toBeLessThan(FAR_TOO_LONG);
      }
    },
  );
});
