import { type CanonicalEvent, isObject, type JsonObject } from './event.js';

/** An event that has passed this many bridges goes in a circle that none of them recognises, and is not sent on. */
export const MOST_HOPS = 16;

/**
 * A copy of `context` that says that the bridge `id` has sent the event on: `trackbridge.hops` lists every bridge the
 * event has passed, oldest first. It stands in `context` because both vendors hand that on as it is.
 */
export function withHop(context: JsonObject, id: string): JsonObject {
  const mark = isObject(context['trackbridge']) ? context['trackbridge'] : {};
  const hops = Array.isArray(mark['hops']) ? mark['hops'] : [];
  return { ...context, trackbridge: { ...mark, hops: [...hops, id] } };
}

/** Whether the bridge `id` has sent this event on before: the event has come back, and sending it again is a loop. */
export function hasHop(event: CanonicalEvent, id: string): boolean {
  return hopsOf(event).includes(id);
}

/** The bridges an event has passed, oldest first. What is no text, which only a forger writes, is left out. */
export function hopsOf(event: CanonicalEvent): readonly string[] {
  // A transform may hand on an event without a context.
  const mark = isObject(event.context) ? event.context['trackbridge'] : undefined;
  const hops = isObject(mark) && Array.isArray(mark['hops']) ? mark['hops'] : [];
  return hops.filter((hop) => typeof hop === 'string');
}
