import { isObject, type JsonObject } from '../core/json.js';
import type { CanonicalEvent } from './event.js';

/**
 * The maximum number of bridges an event may pass. Beyond it the event is in a loop that no bridge has detected, and is
 * not forwarded.
 */
export const MOST_HOPS = 16;

/**
 * Returns a copy of `context` that records the bridge `id` in `trackbridge.hops`, which lists every bridge the event
 * has passed, oldest first. It is part of `context` because both vendors pass `context` on unchanged.
 */
export function withHop(context: JsonObject, id: string): JsonObject {
  const mark = isObject(context['trackbridge']) ? context['trackbridge'] : {};
  const hops = Array.isArray(mark['hops']) ? mark['hops'] : [];
  return { ...context, trackbridge: { ...mark, hops: [...hops, id] } };
}

/** Whether the bridge `id` has already forwarded this event. If so, the event is in a loop. */
export function hasHop(event: CanonicalEvent, id: string): boolean {
  return hopsOf(event).includes(id);
}

/**
 * Returns the bridges an event has passed, oldest first. Entries that are not strings, which only a forger writes, are
 * ignored.
 */
export function hopsOf(event: CanonicalEvent): readonly string[] {
  // A transform may return an event without a context.
  const mark = isObject(event.context) ? event.context['trackbridge'] : undefined;
  const hops = isObject(mark) && Array.isArray(mark['hops']) ? mark['hops'] : [];
  return hops.filter((hop) => typeof hop === 'string');
}
