import type { JsonValue } from '../../core/json.js';
import type { JsonType } from './spec-types.js';

/** How values of query parameters are read; the option `query.types`. */
export type ValueTypes = 'strings' | 'spec' | 'infer';

// Go's rendering of nil with %v, which RudderStack's router prints for a JSON null.
export const NIL = '<nil>';

// JSON numbers, including the zero-padded exponent that Go writes. `007`, `+1`, `.5` and `0x1` are not numbers.
const PLAIN_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/**
 * Reads a value from its text alone: booleans, `<nil>`, `[]`, `{}` and every token that is exactly what the sender
 * prints for a number. Any other text stays a string. So `60` is a number, while `007`, `1.0`, `1000000` and `1e6` must
 * have been strings: the sender prints 1000000 as `1e+06`.
 */
export function inferValue(text: string): JsonValue {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (text === NIL) return null;
  if (text === '[]') return [];
  if (text === '{}') return {};
  const number = parseNumber(text);
  return number !== undefined && printNumber(number) === text ? number : text;
}

/**
 * Reads a text as one of the field's JSON types: the first type that fits; the text itself if none fits or the types
 * are unknown. Numbers may have any plain form. `<nil>` is null, unless the field may hold a string but not null.
 */
export function specValue(text: string, types: readonly JsonType[]): JsonValue {
  if (text === NIL && types.length > 0 && (types.includes('null') || !types.includes('string'))) {
    return null;
  }
  for (const type of types) {
    const value = valueOfType(text, type);
    if (value !== undefined) return value;
  }
  return text;
}

/** The value of a plain numeral; undefined for any other text, and if it is too large for a double. */
export function parseNumber(text: string): number | undefined {
  if (!PLAIN_NUMBER.test(text)) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) return undefined;
  // JSON text cannot express a negative zero, so no consumer may see one.
  return number === 0 ? 0 : number;
}

function valueOfType(text: string, type: JsonType): JsonValue | undefined {
  switch (type) {
    case 'string':
      return text;
    case 'number':
      return parseNumber(text);
    case 'integer': {
      const number = parseNumber(text);
      return Number.isInteger(number) ? number : undefined;
    }
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'array':
      return text === '[]' ? [] : undefined;
    case 'object':
      return text === '{}' ? {} : undefined;
    case 'null':
      return text === NIL ? null : undefined;
  }
}

/**
 * Formats a number as Go's fmt prints a float64 with %v: the fewest digits that identify it, and an exponent of at
 * least two digits from 1e6 up and below 1e-4.
 */
function printNumber(value: number): string {
  if (value === 0) return '0';
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
