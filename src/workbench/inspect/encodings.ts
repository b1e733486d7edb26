/**
 * A text with one layer of encoding removed, and the original position of each of its characters, plus one for the end.
 */
export interface DecodedText {
  readonly text: string;
  readonly starts: Int32Array;
}

/** Percent-encoding and the plus of forms, the escapes of JSON, the references of XML. */
const ENCODED =
  /%[0-9a-fA-F]{2}|\+|\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);/g;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

const REFERENCES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/**
 * Removes one layer of encoding from a text, whichever is found at each position; undefined if there is none.
 * Percent-encoded bytes become the characters of their numbers. Linear in the text's length.
 */
export function decodeOnce(text: string): DecodedText | undefined {
  const parts: string[] = [];
  const starts = new Int32Array(text.length + 1);
  let length = 0;
  let end = 0;
  const take = (until: number): void => {
    parts.push(text.slice(end, until));
    while (end < until) starts[length++] = end++;
  };
  for (const { 0: found, index } of text.matchAll(ENCODED)) {
    take(index);
    const meant = meaningOf(found);
    parts.push(meant);
    for (let unit = 0; unit < meant.length; unit++) starts[length++] = index;
    end = index + found.length;
  }
  if (parts.length === 0) return undefined;
  take(text.length);
  starts[length] = text.length;
  return { text: parts.join(''), starts };
}

/** Never longer than its encoded form. */
function meaningOf(found: string): string {
  switch (found[0]) {
    case '+':
      return ' ';
    case '%':
      return String.fromCharCode(Number.parseInt(found.slice(1), 16));
    case '\\':
      if (found[1] === 'u') return String.fromCharCode(Number.parseInt(found.slice(2), 16));
      return ESCAPES.get(found.slice(1)) ?? found.slice(1);
    default:
      return referenceOf(found.slice(1, -1));
  }
}

function referenceOf(name: string): string {
  const known = REFERENCES.get(name);
  if (known !== undefined) return known;
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
}
