import type { JsonValue } from '../core/json.js';
import { isEmptyContainer } from './event.js';
import { trimInvisible } from './visible.js';

/**
 * Maximum length of a messageId, which is a key of the outbox; a longer one is replaced. Counted in characters, as in
 * JSON Schema.
 */
const LONGEST_MESSAGE_ID = 512;

/**
 * Returns the canonical form of a user's or group's id; undefined if it identifies nobody. RudderStack accepts any JSON
 * as an id and passes it on; `user && user.id` can yield a boolean, PHP an empty array.
 */
export function readId(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number') return readNumber(value);
  if (typeof value !== 'object' || value === null || isEmptyContainer(value)) return undefined;
  return JSON.stringify(value);
}

/** Returns the canonical messageId; undefined if it cannot distinguish events. */
export function readMessageId(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'number') return readNumber(value);
  if (typeof value !== 'string') return undefined;
  const id = trimInvisible(value);
  if (id === '') return undefined;
  if (id.length <= LONGEST_MESSAGE_ID) return id;
  const fits = id.length <= 2 * LONGEST_MESSAGE_ID && Array.from(id).length <= LONGEST_MESSAGE_ID;
  return fits ? id : undefined;
}

/**
 * Returns the canonical form of a name, such as an event's. A value that is not a string, number or boolean stays as it
 * is, for the schema to reject.
 */
export function readName(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value === 'number') return readNumber(value);
  return typeof value === 'boolean' ? String(value) : value;
}

/** 1e999 parses as Infinity, which all such events would share as an id. */
function readNumber(value: number): string | undefined {
  return Number.isFinite(value) ? String(value) : undefined;
}
