import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
  type Document as YamlDocument,
} from 'yaml';
import { keysOf } from '../problems/pointer.js';
import { type Part, type Position, Problems } from '../problems/problems.js';

export interface ParsedFile {
  /** Plain values; null if the file is empty. */
  readonly value: unknown;
  locate(pointer: string, part: Part): Position | undefined;
}

/** A file with more uses of anchors than this is a bomb ("billion laughs"), not a configuration. */
const MAX_ALIASES = 100;

/**
 * Parses YAML, which includes JSON, and records the position of every node. `file` is its name in errors. Throws
 * CONFIG_INVALID if the text is malformed, repeats a key, or holds several documents.
 */
export function parseFile(text: string, file: string): ParsedFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    // A pretty error quotes the line, and with it any secret on that line.
    prettyErrors: false,
    stringKeys: true,
    merge: true,
  });
  const problems = new Problems({ file });
  // The parser only warns of an unknown tag, but the tag swallows text such as a secret that begins with "!".
  for (const error of [...document.errors, ...document.warnings]) {
    problems.addAt(positionOf(lines, error.pos[0]), explain(error, text));
  }
  visit(document, {
    Alias: (_, node) => {
      if (node.resolve(document)) return;
      const position = positionOf(lines, node.range?.[0] ?? 0);
      problems.addAt(
        position,
        'text that begins with "*" must be in quotes; no &anchor has this name',
      );
    },
  });
  problems.throwIfAny();
  return {
    value: plainValue(document, problems),
    locate: (pointer, part) => locate(document, lines, keysOf(pointer), part),
  };
}

function plainValue(document: YamlDocument, problems: Problems): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    // The parser's own message may quote the input, so it is not used.
    problems.addAt(undefined, 'the *aliases of this file stand for far too much; write it out');
    problems.throwIfAny();
    return undefined;
  }
}

function positionOf(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  // The counter returns line 0 for an offset that it has not seen.
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Returns a message of our own for errors whose original message would quote the input, which may be a secret. */
function explain(error: YAMLError, text: string): string {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return 'the same key stands here a second time; remove one of them';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; leave one, without "---"';
    case 'TAG_RESOLVE_FAILED':
      return 'text that begins with "!" must be in quotes';
    case 'BAD_SCALAR_START':
      return 'text that begins with @ or ` must be in quotes';
    case 'BAD_DQ_ESCAPE':
      return 'a backslash in double quotes must be doubled, or the quotes be single';
    case 'TAB_AS_INDENT':
      return 'lines must be indented with spaces, not with tabs';
    case 'BAD_INDENT':
      return 'the indentation does not fit, or a bracket or quote is left open';
    case 'NON_STRING_KEY':
      return 'a key must be a text';
    default:
      return `this is not well-formed YAML or JSON${referenceHint(text, error.pos[0])}`;
  }
}

/** Returns a hint if an unquoted `${NAME}` is the likely cause: in `[ ]` and `{ }` it reads as a mapping. */
function referenceHint(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', Math.max(offset - 1, 0)) + 1;
  const end = text.indexOf('\n', start);
  const line = text.slice(start, end === -1 ? undefined : end);
  return line.includes('${') ? `; inside [ ] and { } put "\${NAME}" in quotes` : '';
}

function locate(
  document: YamlDocument,
  lines: LineCounter,
  keys: readonly string[],
  part: Part,
): Position | undefined {
  let node: unknown = document.contents;
  let found = offsetOf(node);
  for (const [depth, key] of keys.entries()) {
    const at = isAlias(node) ? node.resolve(document) : node;
    const pair = isMap(at) ? pairOf(at.items, key) : undefined;
    const next = isSeq(at) ? at.items[Number(key)] : pair?.value;
    // The key is missing, or a merge (<<) added it. The enclosing node is the best available position.
    if (next === undefined && !pair) break;
    const wantsKey = part !== 'value' || depth < keys.length - 1;
    found = (wantsKey ? offsetOf(pair?.key) : undefined) ?? offsetOf(next) ?? found;
    node = next;
  }
  return found === undefined ? undefined : positionOf(lines, found);
}

function pairOf(items: readonly Pair[], key: string): Pair | undefined {
  return items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}

function offsetOf(node: unknown): number | undefined {
  if (!(isMap(node) || isSeq(node) || isScalar(node) || isAlias(node))) return undefined;
  return node.range?.[0];
}
