import type { JsonValue } from '../event/event.js';
import type { Limits } from './limits.js';
import { stepsOf } from './query-keys.js';
import { type Parameter, readParameters } from './query-parameters.js';
import { QueryTree, type ReadValue } from './query-tree.js';
import { inferValue, NIL, specValue, type ValueTypes } from './query-values.js';
import { dropPrototypeKeys } from './sanitize.js';
import type { SpecTypes } from './spec-types.js';

export interface QueryOptions {
  readonly types: ValueTypes;
  /** What the fields are, for `types: spec`; without it they are all strings. */
  readonly spec?: SpecTypes;
  readonly limits: Limits;
  /**
   * The highest index that is taken as one; keys with a higher one keep it in their name. By default 999, or as many as
   * there are parameters: the sender puts every element on the wire, so an array far longer than that is made up.
   */
  readonly maxIndex?: number;
}

export interface DecodedQuery {
  /** Undefined where the event had no data at all. */
  readonly value: JsonValue | undefined;
  /** Keys, as they were on the wire, whose value is lost or not where the key says; sorted. */
  readonly collisions: string[];
}

const LEAST_MAX_INDEX = 999;

const READERS: Readonly<Record<ValueTypes, ReadValue>> = {
  strings: (text) => text,
  infer: inferValue,
  spec: (text, spec) => specValue(text, spec?.types ?? []),
};

/**
 * Turns the raw query (without `?`) of a GET or DELETE back into the properties or traits that RudderStack flattened
 * into it.
 *
 * Where two parameters claim one place, the outcome does not depend on their order: an object wins over an array and a
 * plain value (the array's elements become its members `[0]`, `[1]`, ...), an array over a plain value. Only of a
 * repeated key the last one counts: the configured URL's own parameters come first, the event's last. Missing array
 * elements are null. `__proto__`, and `constructor` holding `prototype`, are dropped.
 *
 * An empty key with `<nil>` is how the sender writes "no data" (null, flattened): alone, or beside parameters of the
 * configured URL. Throws QUERY_MALFORMED where the encoding is broken, LIMIT_EXCEEDED beyond the depth or number of keys.
 */
export function decodeQuery(query: string, options: QueryOptions): DecodedQuery {
  const parameters = readParameters(query, options.limits).filter(isData);
  if (parameters.length === 0) return { value: undefined, collisions: [] };
  const maxIndex = options.maxIndex ?? Math.max(LEAST_MAX_INDEX, parameters.length - 1);
  const tree = new QueryTree(options.limits);
  for (const { key, value } of parameters) tree.put(key, stepsOf(key, maxIndex), value);
  const value = dropPrototypeKeys(tree.read(READERS[options.types], options.spec));
  return { value, collisions: tree.collisions() };
}

function isData(parameter: Parameter): boolean {
  return parameter.key !== '' || parameter.value !== NIL;
}
