import type { JsonObject, JsonValue } from '../core/json.js';

/** Whether an object or array is empty. */
export function isEmptyContainer(value: JsonObject | JsonValue[]): boolean {
  for (const _ in value) return false;
  return true;
}

/**
 * Reads a value where an object is expected. Null, and an empty array, which PHP writes for an empty object, become an
 * empty object. Any other value stays as it is, for the schema to reject.
 */
export function objectOf(value: JsonValue): JsonValue {
  return value === null || (Array.isArray(value) && value.length === 0) ? {} : value;
}

/** Returns a shallow copy of an object without some of its keys. */
export function without(object: JsonObject, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}

export type Vendor = 'segment' | 'rudderstack';

/** The part that Trackbridge adds to an event: the delivery it came from, and whether it is authenticated. */
export interface Receipt extends JsonObject {
  /** UUIDv7 of the delivery; the answer's `x-request-id`. */
  deliveryId: string;
  /** The source's name in the configuration. */
  source: string;
  vendor: Vendor;
  method: string;
  /** When the delivery arrived, as RFC 3339 with milliseconds, UTC. */
  receivedAt: string;
  /** Whether a signature or secret covers this event. */
  authenticated: boolean;
  /** The schemes that cover this event, joined by `+`; `none` if no scheme does. */
  verifiedBy: string;
  /**
   * The key that consumers deduplicate by: `SCOPE:messageId`, followed by `:unauthenticated` if the event is
   * unauthenticated.
   */
  dedupeKey: string;
  /** The event had no usable messageId, so Trackbridge generated one. */
  messageIdGenerated?: true;
  /** Unreadable timestamps as sent, by field. */
  unreadable?: { [field: string]: string };
  /** Keys of a query whose value was lost to an object at the same path. */
  collisions?: string[];
  /** The span of the delivery, with `telemetry.traces`. */
  traceparent?: string;
  tracestate?: string;
}

/** The types that every source accepts. `extraTypes` adds others. */
export const EVENT_TYPES = [
  'identify',
  'track',
  'page',
  'screen',
  'group',
  'alias',
  'delete',
  'record',
] as const;

/**
 * One event in canonical form, the only form that sinks see. `schemas/event.schema.json` defines it for other
 * languages.
 */
export interface CanonicalEvent extends JsonObject {
  type: string;
  messageId: string;
  context: JsonObject;
  integrations: JsonObject;
  /** RFC 3339 with milliseconds, UTC. */
  timestamp: string;
  receivedAt: string;
  receipt: Receipt;
}

/** Returns the ordering key of an event: its user by `userId`, else by `anonymousId`, else the event alone. */
export function orderKeyOf(event: CanonicalEvent): string {
  if (typeof event['userId'] === 'string') return `u:${event['userId']}`;
  if (typeof event['anonymousId'] === 'string') return `a:${event['anonymousId']}`;
  return `m:${event.messageId}`;
}
