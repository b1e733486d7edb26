import { isObject, type JsonValue } from '../core/json.js';

/**
 * Returns the events of a body that is a batch: an array (including one with one element or none), or the `batch` array
 * of an object whose `type`, if any, is `batch`. Undefined if the body is a single event.
 */
export function batchOf(value: JsonValue): JsonValue[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return undefined;
  const { batch, type } = value;
  return Array.isArray(batch) && (type === undefined || type === 'batch') ? batch : undefined;
}
