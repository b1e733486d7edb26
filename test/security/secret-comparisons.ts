/** Names of values that somebody must not guess: whatever ends in one of these words, in the singular or plural. */
const SECRET_NAME =
  /(?:secret|token|signature|password|passphrase|write_?key|api_?key|credential|digest|hmac|bearer|authorization)s?$/i;

/** What a chain such as `a.b?.c[0]` or `call(x)` is called: its last name. */
function nameOf(operand: string): string {
  return /([\w$]+)(?:\[[^\]]*\]|\([^()]*\)|[?!])*$/.exec(operand.trim())?.[1] ?? '';
}

/** A constant, such as a table that is about tokens, is no secret. */
const isSecret = (operand: string): boolean =>
  SECRET_NAME.test(nameOf(operand)) && !/^[A-Z][A-Z0-9_]+$/.test(nameOf(operand));

/** What tells nothing about a secret however long it takes: that there is one, and constants. */
const CONSTANT = /^(?:undefined|null|true|false|-?\d[\d_.]*|'.*'|".*"|`[^$]*`|[A-Z][A-Z0-9_]+)$/;

/** Arguments that no caller sent: a source of tokens is asked with a signal. */
const NO_TEXT = /^(?:new [\w$]+|(?:[\w$]+\.)*signal)$/;

const OPERAND = String.raw`[#\w$.?![\]]+(?:\([^()]*\))?|'[^'\n]*'|"[^"\n]*"`;
const EQUALITY = new RegExp(
  String.raw`(?<left>${OPERAND})\s*(?:===|!==|==|!=)\s*(?<right>${OPERAND})`,
  'g',
);
const LOOKUP =
  /(?<on>[#\w$.?![\]]+?(?:\([^()]*\))?)\??\.(?:includes|startsWith|endsWith|indexOf|lastIndexOf|has|get|equals|localeCompare|compare)\((?<what>[^()]*)/g;
const MEMBER = /(?<on>[#\w$.]+)\[(?<what>[\w$.]+)\]/g;
const COLLECTION = /new (?:Set|Map)(?:<[^>]*>)?\((?<what>[^()]*)/g;

/**
 * The places of a TypeScript source where a secret is compared or looked up in a time that depends on its text: by
 * equality, by a method of strings, arrays and buffers, or as a key. It goes by names, so a secret must be called one;
 * `sameBytes` and `secretMatcher` are what to use. Each place is its line, trimmed.
 */
export function secretComparisons(source: string): string[] {
  const code = withoutComments(source);
  const found = new Set<number>();
  for (const match of code.matchAll(EQUALITY)) {
    const { left = '', right = '' } = match.groups ?? {};
    const constant =
      CONSTANT.test(left) || CONSTANT.test(right) || /typeof\s+$/.test(before(code, match.index));
    if (!constant && (isSecret(left) || isSecret(right))) found.add(match.index);
  }
  for (const match of code.matchAll(LOOKUP)) {
    const { on = '', what = '' } = match.groups ?? {};
    const sought = what.split(',').map((each) => each.trim());
    if (sought.every((each) => CONSTANT.test(each) || NO_TEXT.test(each))) continue;
    if (isSecret(on) || sought.some(isSecret)) found.add(match.index);
  }
  for (const match of code.matchAll(MEMBER))
    if (isSecret(match.groups?.['what'] ?? '')) found.add(match.index);
  for (const match of code.matchAll(COLLECTION))
    if (isSecret(match.groups?.['what'] ?? '')) found.add(match.index);
  return [...found].sort((a, b) => a - b).map((index) => lineAt(source, index));
}

function before(code: string, index: number): string {
  return code.slice(Math.max(0, index - 10), index);
}

/** Blanks comments, so that every place stays where it was. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, (text) =>
    text.replace(/[^\n]/g, ' '),
  );
}

function lineAt(source: string, index: number): string {
  const start = source.lastIndexOf('\n', index) + 1;
  const end = source.indexOf('\n', index);
  return source.slice(start, end < 0 ? undefined : end).trim();
}
