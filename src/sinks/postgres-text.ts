/** Escapes in JSON text: of a pair of surrogates, of one alone or of NUL, or any other. */
const ESCAPE = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\(?:u[\da-fA-F]{4}|.)/g;
const UNSTORABLE = /^\\u(?:0000|[dD][89a-fA-F][\da-fA-F]{2})$/;

/**
 * JSON text as PostgreSQL can hold it. JSONB has neither NUL nor half a surrogate pair, and refuses the whole value: they
 * become the six characters of their escape, `\u0000`, so that two texts that differ stay different.
 */
export function storableJson(json: string): string {
  // Few events have any escape of this kind; one pass over the bytes finds out.
  if (!json.includes('\\u')) return json;
  return json.replace(ESCAPE, (each) => (UNSTORABLE.test(each) ? `\\${each}` : each));
}

const UNSTORABLE_TEXT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what this looks for
  /\u0000|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what this looks for
const SUSPECT = /[\u0000\ud800-\udfff]/;

/** Text as PostgreSQL can hold it; the same replacement as that of `storableJson`. */
export function storableText(text: string): string {
  // Looking around each character costs more than all the rest of a row.
  if (!SUSPECT.test(text)) return text;
  return text.replace(
    UNSTORABLE_TEXT,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Most times are in this form, and writing them anew costs more than all the rest of a row. Days after the 28th are left to
 * it, since Date takes a 31st of February, which PostgreSQL refuses.
 */
const CANONICAL_TIME =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** A timestamp that PostgreSQL reads, in UTC; null where the value is none, or of a year that it does not have. */
export function storableTime(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  if (CANONICAL_TIME.test(value)) return value;
  const time = Date.parse(value);
  if (Number.isNaN(time)) return null;
  const text = new Date(time).toISOString();
  // Years before 1 and after 9999 have a sign or six digits, which PostgreSQL does not read.
  return /^(?!0000)\d{4}-/.test(text) ? text : null;
}
