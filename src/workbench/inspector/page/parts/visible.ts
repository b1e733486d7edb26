/**
 * Characters that a terminal, a browser or a reader could mistake: controls, invisible and direction-changing characters,
 * spaces other than U+0020, lone surrogates, and unassigned characters.
 */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Variation_Selector}]|(?! )\p{Zs}|\u034f|\u17b4|\u17b5|[\u115f\u1160\u3164\uffa0]/gu;

/** A part of a text to show; `escaped` if it replaces an invisible character. */
export interface VisiblePart {
  readonly text: string;
  readonly escaped: boolean;
}

/** Splits a text into unchanged parts and escapes such as `\u202e`. Line feeds are kept on request. */
export function visibleParts(text: string, keep: 'lines' | 'nothing' = 'nothing'): VisiblePart[] {
  const parts: VisiblePart[] = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (keep === 'lines' && (match[0] === '\n' || match[0] === '\t')) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index), escaped: false });
    parts.push({ text: escapeOf(match[0]), escaped: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), escaped: false });
  return parts;
}

/** Returns the same as plain text, for titles and labels. */
export function visible(text: string): string {
  return visibleParts(text)
    .map((part) => part.text)
    .join('');
}

const SHORT: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return SHORT[character] ?? (code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`);
}
