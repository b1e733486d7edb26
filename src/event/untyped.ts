import type { JsonObject } from './event.js';

/** What objects without a `type` become: the source's `untyped` option. */
export interface Untyped {
  readonly as: string;
  readonly event?: string;
}

const KEPT_ON_TOP = ['messageId', 'userId', 'anonymousId', 'timestamp'] as const;

/**
 * An event around an object that is none: all of the object but its write key as `properties` (`traits` of an identify
 * or group), the configured name, and what says who and when copied to where consumers look for it.
 */
export function wrapUntyped(object: JsonObject, untyped: Untyped): JsonObject {
  const { writeKey: _, ...content } = object;
  const wrapped: JsonObject = { type: untyped.as };
  for (const field of KEPT_ON_TOP) {
    const value = object[field];
    if (typeof value === 'string') wrapped[field] = value;
  }
  const type = untyped.as.toLowerCase();
  if (untyped.event !== undefined) {
    wrapped[type === 'page' || type === 'screen' ? 'name' : 'event'] = untyped.event;
  }
  wrapped[type === 'identify' || type === 'group' ? 'traits' : 'properties'] = content;
  return wrapped;
}
