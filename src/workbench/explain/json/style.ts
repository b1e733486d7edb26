import type { JsonTree } from './tree.js';

/** How a serializer writes JSON. */
export interface JsonStyle {
  readonly comma: string;
  readonly colon: string;
  /** The indentation per level; empty for a single line. */
  readonly indent: string;
  /** Keys: unchanged, sorted, or in JavaScript's order (integers first, the last of a repeated one). */
  readonly keys: 'kept' | 'sorted' | 'javascript';
  /** Numbers: their text, or their value as JavaScript (and Go) or Python prints it. */
  readonly numbers: (text: string) => string;
  /** Escapes a string after `JSON.stringify` has quoted it. */
  readonly escape: (quoted: string) => string;
}

/** Writes a tree in a style. */
export function writeJson(tree: JsonTree, style: JsonStyle, level = 0): string {
  switch (tree.kind) {
    case 'string':
      return style.escape(JSON.stringify(tree.value));
    case 'number':
      return style.numbers(tree.text);
    case 'literal':
      return tree.text;
    case 'array':
      return enclose(
        '[]',
        tree.items.map((item) => writeJson(item, style, level + 1)),
        style,
        level,
      );
    case 'object': {
      const members = ordered(tree.members, style.keys).map(([key, value]) => {
        const name = style.escape(JSON.stringify(key));
        return `${name}${style.colon}${writeJson(value, style, level + 1)}`;
      });
      return enclose('{}', members, style, level);
    }
  }
}

function enclose(brackets: string, parts: readonly string[], style: JsonStyle, level: number) {
  const [open, close] = brackets;
  if (parts.length === 0 || style.indent === '') return `${open}${parts.join(style.comma)}${close}`;
  const inner = `\n${style.indent.repeat(level + 1)}`;
  const outer = `\n${style.indent.repeat(level)}`;
  return `${open}${inner}${parts.join(`${style.comma.trimEnd()}${inner}`)}${outer}${close}`;
}

type Members = readonly (readonly [string, JsonTree])[];

function ordered(members: Members, keys: JsonStyle['keys']): Members {
  if (keys === 'kept') return members;
  const last = new Map(members);
  if (keys === 'sorted') {
    return [...last].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
  const isIndex = (key: string): boolean =>
    /^(?:0|[1-9]\d{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1;
  const indexes = [...last].filter(([key]) => isIndex(key));
  indexes.sort(([a], [b]) => Number(a) - Number(b));
  return [...indexes, ...[...last].filter(([key]) => !isIndex(key))];
}

const asWritten = (text: string): string => text;
/** JavaScript's number; Go's `encoding/json` prints a float64 the same way. */
const asJavaScript = (text: string): string => JSON.stringify(Number(text));
/** Python keeps integers exact at any length, and prints floats with `.0` and two digits of exponent. */
const asPython = (text: string): string => {
  if (/^-?\d+$/.test(text)) return text;
  const value = Number(text);
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e16 || size < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
};

const hex4 = (character: string): string => character.charCodeAt(0).toString(16).padStart(4, '0');
const unicode = (character: string): string => `\\u${hex4(character)}`;
const upperUnicode = (character: string): string => `\\u${hex4(character).toUpperCase()}`;
const plain = (quoted: string): string => quoted;
const ascii = (quoted: string): string => quoted.replace(/[\u007f-\uffff]/g, unicode);
const html = (quoted: string): string => quoted.replace(/[<>&\u2028\u2029]/g, unicode);
const slashes = (quoted: string): string => quoted.replace(/\//g, '\\/');
/** .NET: upper-case digits, and escapes for everything that HTML or a script could misinterpret. */
const dotnet = (quoted: string): string =>
  `"${quoted
    .slice(1, -1)
    .replace(/\\"/g, '\\u0022')
    .replace(/[<>&'+`\u007f-\uffff]/g, upperUnicode)}"`;

const COMPACT: JsonStyle = {
  comma: ',',
  colon: ':',
  indent: '',
  keys: 'kept',
  numbers: asWritten,
  escape: plain,
};
const PYTHON: JsonStyle = {
  ...COMPACT,
  comma: ', ',
  colon: ': ',
  numbers: asPython,
  escape: ascii,
};
const JAVASCRIPT: JsonStyle = { ...COMPACT, keys: 'javascript', numbers: asJavaScript };

/** The styles of frameworks and proxies, most likely first, each with its common name. */
export const STYLES: readonly (readonly [string, JsonStyle])[] = [
  ['JavaScript’s JSON.stringify', JAVASCRIPT],
  ['a compact serializer that keeps keys and numbers', COMPACT],
  ['Python’s json.dumps', PYTHON],
  ['Python’s json.dumps with ensure_ascii=False', { ...PYTHON, escape: plain }],
  ['Python’s json.dumps with sort_keys', { ...PYTHON, keys: 'sorted' }],
  ['Python’s json.dumps without spaces', { ...PYTHON, comma: ',', colon: ':' }],
  [
    'Python’s json.dumps without spaces, with sort_keys',
    { ...PYTHON, comma: ',', colon: ':', keys: 'sorted' },
  ],
  ['Go’s json.Marshal of a map', { ...JAVASCRIPT, keys: 'sorted', escape: html }],
  ['Go’s json.Marshal of a struct', { ...COMPACT, numbers: asJavaScript, escape: html }],
  ['a compact serializer that sorts keys', { ...COMPACT, keys: 'sorted' }],
  ['PHP’s json_encode', { ...COMPACT, escape: (text) => ascii(slashes(text)) }],
  ['PHP’s json_encode with JSON_UNESCAPED_UNICODE', { ...COMPACT, escape: slashes }],
  ['PHP’s json_encode with JSON_UNESCAPED_SLASHES', { ...COMPACT, escape: ascii }],
  ['.NET’s System.Text.Json', { ...COMPACT, escape: dotnet }],
  ['Rails’ to_json', { ...COMPACT, escape: html }],
  ['a serializer that indents by two', { ...COMPACT, colon: ': ', indent: '  ' }],
  ['a serializer that indents by four', { ...COMPACT, colon: ': ', indent: '    ' }],
  ['a serializer that indents by tabs', { ...COMPACT, colon: ': ', indent: '\t' }],
  ['JSON.stringify with an indent of two', { ...JAVASCRIPT, colon: ': ', indent: '  ' }],
  ['Python’s json.dumps with an indent of four', { ...PYTHON, indent: '    ' }],
  [
    'a serializer with a space after each comma and colon',
    { ...COMPACT, comma: ', ', colon: ': ' },
  ],
];

/** Writes a tree without whitespace, everything else unchanged. */
export function compactJson(tree: JsonTree): string {
  return writeJson(tree, COMPACT);
}
