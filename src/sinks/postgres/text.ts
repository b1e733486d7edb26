import { formatTimestamp, readTimestamp } from '../../event/timestamp/timestamp.js';

/** Escapes in JSON text: of a surrogate pair, of an unpaired surrogate or NUL, or any other. */
const ESCAPE = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\(?:u[\da-fA-F]{4}|.)/g;
const UNSTORABLE = /^\\u(?:0000|[dD][89a-fA-F][\da-fA-F]{2})$/;

/**
 * Returns JSON text that PostgreSQL can store. JSONB has neither NUL nor unpaired surrogates and rejects the whole
 * value. They become the six characters of their escape, `\u0000`, so that different texts stay different.
 */
export function storableJson(json: string): string {
  // Few events have such an escape; one pass over the bytes finds out.
  if (!json.includes('\\u')) return json;
  return json.replace(ESCAPE, (each) => (UNSTORABLE.test(each) ? `\\${each}` : each));
}

const UNSTORABLE_TEXT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what this looks for
  /\u0000|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what this looks for
const SUSPECT = /[\u0000\ud800-\udfff]/;

/** Returns text that PostgreSQL can store, with the same replacement as `storableJson`. */
export function storableText(text: string): string {
  // Examining each character costs more than all the rest of a row.
  if (!SUSPECT.test(text)) return text;
  return text.replace(
    UNSTORABLE_TEXT,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Most times are in this form, and formatting them again costs more than all the rest of a row. Every month has 28
 * days.
 */
const CANONICAL_TIME =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/**
 * Returns a timestamp that PostgreSQL can read, in UTC; null if the value is not a time, its day does not exist, or
 * PostgreSQL does not support its year.
 */
export function storableTime(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  if (CANONICAL_TIME.test(value)) return value;
  const time = readTimestamp(value);
  // PostgreSQL has no year 0.
  return time === undefined || time < YEAR_1 ? null : formatTimestamp(time);
}

const YEAR_1 = -62_135_596_800_000;
