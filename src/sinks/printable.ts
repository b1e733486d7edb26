// C0, DEL and C1 drive terminals; the line separators and the bidirectional controls make a line show other than it is;
// the tag block and zero-width characters hide text. U+200D stays: emoji are joined with it.
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;

/**
 * Makes foreign text safe to show on a terminal or in a log: what could steer the terminal, break the line or disguise
 * it becomes its `\u` escape. Texts over `longest` characters are cut and end in `…`.
 */
export function printable(text: string, longest = Number.POSITIVE_INFINITY): string {
  // Cut before escaping, so that a huge text costs no more than what is shown of it.
  const whole = text.length <= longest;
  return escapeUnsafe(whole ? text : text.slice(0, longest)) + (whole ? '' : '…');
}

/**
 * JSON text as one line that is safe on a terminal, and still the same value. Line breaks can only be white space
 * between its tokens, all other characters concerned can only stand inside a string, where `\u` escapes mean the same.
 */
export function printableJson(json: string): string {
  return escapeUnsafe(oneLine(json));
}

/** JSON text without line breaks; inside strings JSON has none. */
export function oneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json;
}

function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (match) => {
    let escaped = '';
    for (let i = 0; i < match.length; i++) {
      escaped += `\\u${match.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}
