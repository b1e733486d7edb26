import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  closingQuote,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  stringBetween,
} from './text.js';

const SPACE = 0x20;

/**
 * Returns the bytes of each event of a batch in a JSON text, without surrounding whitespace. The events are the
 * elements of the root array, or of the root object's last `batch`, as for `JSON.parse`. Empty if there is no such
 * array. The text must be JSON; it is scanned once.
 */
export function itemBytes(text: string): number[] {
  const isArray = text.trimStart().startsWith('[');
  let lengths: number[] = [];
  /** The depth of the array whose elements are measured; 0 outside it. */
  let within = 0;
  let depth = 0;
  let key: string | undefined;
  let start = -1;
  let end = -1;
  const finish = (): void => {
    if (start !== -1) lengths.push(Buffer.byteLength(text.slice(start, end)));
    start = -1;
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const first = at;
    if (code === QUOTE) {
      at = closingQuote(text, at);
      if (depth === 1) key = stringBetween(text, first, at);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++;
      const begins = isArray
        ? depth === 1
        : depth === 2 && code === OPEN_BRACKET && key === 'batch';
      if (begins) {
        within = depth;
        lengths = [];
        continue;
      }
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth-- === within) {
        finish();
        within = 0;
      }
    } else if (code === COMMA && depth === within) {
      finish();
      continue;
    }
    if (within > 0 && code > SPACE) {
      if (start === -1) start = first;
      end = at + 1;
    }
  }
  return lengths;
}
