/**
 * JSON as written: numbers keep their text, members their order and repetition. `JSON.parse` loses all three, and a
 * signature depends on them.
 */
export type JsonTree =
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, JsonTree])[] }
  | { readonly kind: 'array'; readonly items: readonly JsonTree[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'literal'; readonly text: string };

/** Deeper than any event, and shallow enough for recursion. */
const DEEPEST = 200;

const TOKEN =
  /[\s\ufeff]*("[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:])/y;

/** Reads a JSON text; undefined if it is invalid or nests deeper than 200. */
export function readJson(text: string): JsonTree | undefined {
  const token = new RegExp(TOKEN);
  const next = (): string => {
    const found = token.exec(text)?.[1];
    if (found === undefined) throw new SyntaxError('no JSON token');
    return found;
  };
  try {
    const tree = value(next(), next, 0);
    return text.slice(token.lastIndex).trim() === '' ? tree : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function value(first: string, next: () => string, depth: number): JsonTree {
  if (depth > DEEPEST) throw new SyntaxError('nested too deeply');
  if (first === '{') return { kind: 'object', members: members(next, depth) };
  if (first === '[') return { kind: 'array', items: items(next, depth) };
  if (first.startsWith('"')) return { kind: 'string', value: JSON.parse(first) as string };
  if (first === 'true' || first === 'false' || first === 'null') {
    return { kind: 'literal', text: first };
  }
  if (/^[-\d]/.test(first)) return { kind: 'number', text: first };
  throw new SyntaxError('no value');
}

function items(next: () => string, depth: number): JsonTree[] {
  const found: JsonTree[] = [];
  let token = next();
  if (token === ']') return found;
  for (;;) {
    found.push(value(token, next, depth + 1));
    const after = next();
    if (after === ']') return found;
    if (after !== ',') throw new SyntaxError('no comma');
    token = next();
  }
}

function members(next: () => string, depth: number): (readonly [string, JsonTree])[] {
  const found: (readonly [string, JsonTree])[] = [];
  let token = next();
  if (token === '}') return found;
  for (;;) {
    if (!token.startsWith('"')) throw new SyntaxError('no key');
    const key = JSON.parse(token) as string;
    if (next() !== ':') throw new SyntaxError('no colon');
    found.push([key, value(next(), next, depth + 1)]);
    const after = next();
    if (after === '}') return found;
    if (after !== ',') throw new SyntaxError('no comma');
    token = next();
  }
}
