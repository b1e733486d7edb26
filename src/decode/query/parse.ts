import type { JsonValue } from '../../core/json.js';
import type { Limits } from '../limits.js';
import { dropPrototypeKeys } from '../sanitize.js';
import { stepsOf } from './keys.js';
import { type Parameter, readParameters } from './parameters.js';
import type { SpecTypes } from './spec-types.js';
import { QueryTree, type ReadValue } from './tree.js';
import { inferValue, NIL, specValue, type ValueTypes } from './values.js';

export interface QueryOptions {
  readonly types: ValueTypes;
  /** The types of the fields, for `types: spec`. Without it every field is a string. */
  readonly spec?: SpecTypes;
  readonly limits: Limits;
  /**
   * The highest number read as an array index; a higher one stays part of the name. Default: 999, or the number of
   * parameters if larger. The sender writes every element, so a much longer array cannot be genuine.
   */
  readonly maxIndex?: number;
}

export interface DecodedQuery {
  /** Undefined if the query has no parameters: the event had no data, or it was lost. */
  readonly value: JsonValue | undefined;
  /** The keys, as sent, whose value was lost or moved elsewhere; sorted. */
  readonly collisions: string[];
}

/** The flattened form of null, of an empty array (PHP's empty object) and of an empty object. */
const EMPTY: ReadonlySet<string> = new Set([NIL, '[]', '{}']);

const LEAST_MAX_INDEX = 999;

const READERS: Readonly<Record<ValueTypes, ReadValue>> = {
  strings: (text) => text,
  infer: inferValue,
  spec: (text, spec) => specValue(text, spec?.types ?? []),
};

/**
 * Restores the properties or traits that RudderStack flattened into the raw query (without `?`) of a GET or DELETE.
 *
 * If two parameters conflict, the result does not depend on their order: an object wins over an array and over a plain
 * value (the array's elements become its members `[0]`, `[1]`, ...), and an array wins over a plain value. Only of a
 * repeated key does the last one count, because the configured URL's own parameters come first and the event's last.
 * Missing array elements are null. `__proto__`, and a `constructor` that holds `prototype`, are dropped.
 *
 * The sender writes "no data" (a flattened null or empty value) as an empty key with `<nil>`, `[]` or `{}`, alone or
 * beside parameters of the configured URL. Throws QUERY_MALFORMED if the encoding is broken, LIMIT_EXCEEDED if keys are
 * too deep or too many.
 */
export function decodeQuery(query: string, options: QueryOptions): DecodedQuery {
  const all = readParameters(query, options.limits);
  if (all.length === 0) return { value: undefined, collisions: [] };
  const parameters = all.filter(isData);
  const maxIndex = options.maxIndex ?? Math.max(LEAST_MAX_INDEX, parameters.length - 1);
  const tree = new QueryTree(options.limits);
  for (const { key, value } of parameters) tree.put(key, stepsOf(key, maxIndex), value);
  const value = dropPrototypeKeys(tree.read(READERS[options.types], options.spec));
  return { value, collisions: tree.collisions() };
}

function isData(parameter: Parameter): boolean {
  return parameter.key !== '' || !EMPTY.has(parameter.value);
}
