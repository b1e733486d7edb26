/** How a RudderStack destination or one event asks for names. */
export interface RudderstackNaming {
  /** Whether digits are words of their own, as in destinations of before 2025: `v2` is `v_2`. */
  readonly underscoreDivideNumbers: boolean;
  /** `useBlendoCasing` of an event: every other character becomes `_`, and nothing is divided. */
  readonly blendo: boolean;
}

const WORDS =
  /[A-Z]?[a-z]+\d+|[A-Z]+\d+|\d+[A-Z]?[a-z]+|\d+[A-Z]+|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|\d+/g;
const WORDS_AND_NUMBERS =
  /\d*(?:1st|2nd|3rd|(?![123])\dth)(?=\b|[A-Z_])|\d*(?:1ST|2ND|3RD|(?![123])\dTH)(?=\b|[a-z_])|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|\d+/g;

/**
 * Names a text as RudderStack's transformer does. Only `a-z`, `0-9` and `_` remain, with `useBlendoCasing` also `$` and
 * a backslash. Capitals are separated from the word after them (`HTTPServer` is `http_server`), leading underscores
 * are kept, and a leading digit gets one.
 */
export function rudderstackName(text: string, naming: RudderstackNaming): string {
  if (naming.blendo) return blendoName(text);
  const leading = /^_*/.exec(text)?.[0] ?? '';
  const words = text.match(naming.underscoreDivideNumbers ? WORDS_AND_NUMBERS : WORDS) ?? [];
  return withoutLeadingDigit(leading + words.join('_').toLowerCase());
}

/** Names a column as Blendo did, whose tables RudderStack took over. */
function blendoName(text: string): string {
  const name = text.replace(/[^a-zA-Z\d\\$]/g, '_').toLowerCase();
  return /^[a-z_]/.test(name) ? name : `_${name}`;
}

/** PostgreSQL needs quotes around a name that starts with a digit. */
export function withoutLeadingDigit(name: string): string {
  return /^\d/.test(name) ? `_${name}` : name;
}
