/** A value that JSON text can hold. Numbers are IEEE doubles. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

export interface JsonObject {
  [key: string]: JsonValue;
}

/** Whether a value is a JSON object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A shallow copy of an object without some of its keys. */
export function without(object: JsonObject, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}

export type Vendor = 'segment' | 'rudderstack';

/** What Trackbridge adds to an event: which delivery brought it, and how far it can be trusted. */
export interface Receipt extends JsonObject {
  /** UUIDv7 of the delivery; the answer's `x-request-id`. */
  deliveryId: string;
  /** The source's name in the configuration. */
  source: string;
  vendor: Vendor;
  method: string;
  /** RFC 3339 with milliseconds, UTC: when the delivery came in here. */
  receivedAt: string;
  /** Whether a signature or secret covers this very event. */
  authenticated: boolean;
  /** The schemes that cover this event, joined by `+`; `none` where nothing does. */
  verifiedBy: string;
  /** The event came without a usable messageId, and this one was made here. */
  messageIdGenerated?: true;
  /** Timestamps that could not be read, by field, as they were sent. */
  unreadable?: { [field: string]: string };
  /** Keys of a query whose value was lost because an object stood in the same place. */
  collisions?: string[];
}

/** The types that every source takes; an operator may add others with `extraTypes`. */
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

/** One event in the one form that sinks see; `schemas/event.schema.json` says the same for other languages. */
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

/** The user an event belongs to, whose events keep their order: `userId`, else `anonymousId`, else the event alone. */
export function orderKeyOf(event: CanonicalEvent): string {
  if (typeof event['userId'] === 'string') return `u:${event['userId']}`;
  if (typeof event['anonymousId'] === 'string') return `a:${event['anonymousId']}`;
  return `m:${event.messageId}`;
}
