import type { JsonObject, JsonValue } from '../core/json.js';
import { EVENT_TYPES } from './event.js';

/** The event that an object without a known `type` becomes: the source's `untyped` option. */
export interface Untyped {
  readonly as: string;
  readonly event?: string;
}

/** Ids may have any JSON type, because keys of tables are numbers. */
const IDS = ['messageId', 'userId', 'anonymousId', 'groupId', 'previousId'] as const;
const KNOWN: ReadonlySet<string> = new Set(EVENT_TYPES);

/** Whether a value of `type` marks an object as an event. Any other value is only a column of that name. */
export function isEventType(type: JsonValue | undefined, extraTypes: readonly string[]): boolean {
  if (typeof type !== 'string') return false;
  const lower = type.toLowerCase();
  return KNOWN.has(lower) || extraTypes.some((extra) => extra.toLowerCase() === lower);
}

/**
 * Wraps an object that is not an event into one: the object without its write key becomes `properties` (`traits` of an
 * identify or group), the name comes from the configuration, and ids and times are copied to the fields where consumers
 * expect them.
 */
export function wrapUntyped(object: JsonObject, untyped: Untyped): JsonObject {
  const { writeKey: _, ...content } = object;
  const wrapped: JsonObject = { type: untyped.as };
  for (const field of IDS) {
    const value = object[field];
    if (value !== undefined) wrapped[field] = value;
  }
  const { timestamp } = object;
  if (typeof timestamp === 'string') wrapped['timestamp'] = timestamp;
  const type = untyped.as.toLowerCase();
  if (untyped.event !== undefined) {
    wrapped[type === 'page' || type === 'screen' ? 'name' : 'event'] = untyped.event;
  }
  wrapped[type === 'identify' || type === 'group' ? 'traits' : 'properties'] = content;
  return wrapped;
}
