// C0, DEL and C1 control terminals. Line separators and bidirectional controls disguise a line. The tag block and
// zero-width characters hide text. U+200D stays because emoji are joined with it.
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;

/**
 * Makes foreign text safe to show on a terminal or in a log: characters that control the terminal, break the line or
 * disguise it become `\u` escapes. A text over `longest` characters is cut and ends in `…`.
 */
export function printable(text: string, longest = Number.POSITIVE_INFINITY): string {
  // Cut before escaping, so that only the shown part of a huge text costs time.
  const whole = text.length <= longest;
  return escapeUnsafe(whole ? text : text.slice(0, longest)) + (whole ? '' : '…');
}

/**
 * Returns a text as one line that is safe to show: lines are trimmed and joined by a space, and the result is cut like
 * `printable`. It uses no pattern that begins with any whitespace: one backtracks at each blank of a text full of
 * blanks, and a server's answer can be one.
 */
export function oneLine(text: string, longest?: number): string {
  const lines = text.split(/[\r\n]/).map((line) => line.trim());
  return printable(lines.filter((line) => line !== '').join(' '), longest);
}

/**
 * Returns JSON text as one line that is safe on a terminal and has the same value. All unsafe characters other than line
 * breaks can only be inside a string, where `\u` escapes are equivalent.
 */
export function printableJson(json: string): string {
  return escapeUnsafe(jsonLine(json));
}

/** Returns JSON text without line breaks, which can only be whitespace between tokens. */
export function jsonLine(json: string): string {
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
