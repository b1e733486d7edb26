import { storableTime } from './text.js';

/** A property's value in a column. Arrays are their JSON text. */
export type Scalar = string | number | boolean;

/**
 * Returns the type of the column that is created for a value, by the vendors' rules. `integers`: the type for whole
 * numbers. The vendors use `bigint`, which cannot hold 10.5 later; `numeric` can.
 */
export function columnTypeOf(value: Scalar, integers: 'numeric' | 'bigint'): string {
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? integers : 'numeric';
  }
  return timeOf(value) === undefined ? 'text' : 'timestamptz';
}

const INTEGERS: ReadonlyMap<string, number> = new Map([
  ['smallint', 2 ** 15],
  ['integer', 2 ** 31],
  ['bigint', 2 ** 63],
]);
const FRACTIONS = new Set(['numeric', 'double precision']);
const TIMES = new Set(['timestamp with time zone', 'timestamp without time zone']);
const TEXTS = new Set(['text', 'character varying', 'json', 'jsonb']);

/**
 * Returns the value as a column of this type (in the form of `format_type`) accepts it, or undefined if the column
 * cannot hold it unchanged. Types that no vendor uses are the operator's own: they receive text, and the server decides
 * whether it is readable.
 */
export function fitted(value: Scalar, type: string): Scalar | undefined {
  if (TEXTS.has(type)) return value;
  const limit = INTEGERS.get(type);
  if (limit !== undefined || FRACTIONS.has(type)) {
    const number = numberOf(value);
    if (number === undefined || limit === undefined) return number;
    return Number.isInteger(number) && number >= -limit && number < limit ? number : undefined;
  }
  if (type === 'boolean') return typeof value === 'boolean' ? value : undefined;
  if (TIMES.has(type)) return typeof value === 'string' ? timeOf(value) : undefined;
  return String(value);
}

/** A text counts as a number if it is exactly how the number would be written, as values of forms and queries are. */
function numberOf(value: Scalar): number | undefined {
  if (typeof value === 'number') return value;
  const number = Number(value);
  return typeof value === 'string' && String(number) === value && Number.isFinite(number)
    ? number
    : undefined;
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/;

/** Converts an ISO 8601 date or time to RFC 3339 in UTC; a text without a zone is UTC. */
function timeOf(text: string): string | undefined {
  const [, date, time = '00:00', zone = 'Z'] = TIME.exec(text) ?? [];
  if (date === undefined) return undefined;
  const offset = zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  return storableTime(`${date}T${time}${offset}`) ?? undefined;
}
