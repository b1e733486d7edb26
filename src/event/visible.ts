/**
 * Invisible characters: whitespace, controls, formats, those that Unicode lets renderers ignore (including U+034F and
 * the Hangul fillers), noncharacters, and two that Unicode does not list: the Braille blank and the null notehead.
 */
const INVISIBLE =
  '[\\p{White_Space}\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}\\u2800\\u{1d159}]';

const ONE = new RegExp(`^${INVISIBLE}$`, 'u');
const ANY_BUT_SPACE = new RegExp(`(?! )${INVISIBLE}`, 'gu');
/** The ids of both vendors' libraries match this and need no search. */
const PLAIN = /^[!-~]*$/;

/** Returns a text without invisible characters at its ends; empty if nothing is visible. */
export function trimInvisible(text: string): string {
  if (PLAIN.test(text)) return text;
  let start = 0;
  let end = text.length;
  for (let width = 0; start < end; start += width) {
    width = widthAt(text, start);
    if (!ONE.test(text.slice(start, start + width))) break;
  }
  for (let width = 0; end > start; end -= width) {
    width = end - start > 1 ? widthAt(text, end - 2) : 1;
    if (!ONE.test(text.slice(end - width, end))) break;
  }
  return text.slice(start, end);
}

/**
 * Returns a text as RudderStack's gateway reads an id: without invisible characters except spaces, and without spaces
 * at its ends.
 */
export function visible(text: string): string {
  return PLAIN.test(text) ? text : text.replace(ANY_BUT_SPACE, '').trim();
}

/** The number of UTF-16 units of the character at this position. */
function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
