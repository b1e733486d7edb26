/** Characters that PostgreSQL cannot store or that separate texts below, and the mark of a JSON text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const SUSPECT = /[\u0000-\u001f\ud800-\udfff]|^"/;

/** Occurs in no JSON text and in no `storedText`. */
export const SEPARATOR = '\u001e';

/** Returns text as PostgreSQL can store it, as JSON text if it has NUL or unpaired surrogates. */
export function storedText(text: string): string {
  return SUSPECT.test(text) ? JSON.stringify(text) : text;
}

/** Reverses `storedText`. */
export function readText(stored: string): string {
  return stored.startsWith('"') ? String(JSON.parse(stored)) : stored;
}

/** Returns an array of values that need no quotes: numbers, uuids, booleans. */
export function arrayText(values: readonly (string | number | bigint | boolean | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : String(value))).join(',')}}`;
}

/**
 * Joins texts for `string_to_array`. The driver's arrays escape every quotation mark, of which JSON has many, and the
 * server reads them again.
 */
export function joined(texts: readonly string[]): string {
  return texts.join(SEPARATOR);
}
