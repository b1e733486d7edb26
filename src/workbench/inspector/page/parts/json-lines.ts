import type { JsonValue, Violation } from '../data/wire.js';
import { pointerPart } from './diff.js';

type TokenKind = 'key' | 'string' | 'number' | 'literal' | 'mark';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

/** A line of indented JSON. `path` points to the value that begins on it; undefined if none does. */
export interface JsonLine {
  readonly depth: number;
  readonly path?: string;
  readonly tokens: readonly Token[];
}

/** Returns a JSON value as indented lines, like JSON.stringify. */
export function jsonLines(value: JsonValue): JsonLine[] {
  const lines: JsonLine[] = [];
  write(value, { depth: 0, path: '', before: [], after: [] }, lines);
  return lines;
}

interface Position {
  readonly depth: number;
  readonly path: string;
  readonly before: readonly Token[];
  readonly after: readonly Token[];
}

function write(value: JsonValue, position: Position, lines: JsonLine[]): void {
  const { depth, path, before, after } = position;
  if (typeof value !== 'object' || value === null) {
    lines.push({ depth, path, tokens: [...before, scalar(value), ...after] });
    return;
  }
  const isArray = Array.isArray(value);
  const [open, close] = isArray ? ['[', ']'] : ['{', '}'];
  const members: readonly (readonly [string, JsonValue])[] = Object.entries(value);
  if (members.length === 0) {
    lines.push({ depth, path, tokens: [...before, mark(open + close), ...after] });
    return;
  }
  lines.push({ depth, path, tokens: [...before, mark(open)] });
  for (const [index, [key, each]] of members.entries()) {
    write(
      each,
      {
        depth: depth + 1,
        path: `${path}/${pointerPart(key)}`,
        before: isArray ? [] : [{ kind: 'key', text: JSON.stringify(key) }, mark(': ')],
        after: index < members.length - 1 ? [mark(',')] : [],
      },
      lines,
    );
  }
  lines.push({ depth, tokens: [mark(close), ...after] });
}

function mark(text: string): Token {
  return { kind: 'mark', text };
}

function scalar(value: string | number | boolean | null): Token {
  if (typeof value === 'string') return { kind: 'string', text: JSON.stringify(value) };
  return { kind: typeof value === 'number' ? 'number' : 'literal', text: String(value) };
}

/**
 * Maps a line's index to its violations. One that points to a missing value belongs to the nearest enclosing value.
 */
export function violationsByLine(
  lines: readonly JsonLine[],
  violations: readonly Violation[],
): ReadonlyMap<number, readonly Violation[]> {
  const lineOf = new Map<string, number>();
  for (const [index, { path }] of lines.entries()) {
    if (path !== undefined) lineOf.set(path, index);
  }
  const found = new Map<number, Violation[]>();
  for (const violation of violations) {
    let { path } = violation;
    while (path !== '' && !lineOf.has(path))
      path = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const line = lineOf.get(path);
    if (line === undefined) continue;
    found.set(line, [...(found.get(line) ?? []), violation]);
  }
  return found;
}
