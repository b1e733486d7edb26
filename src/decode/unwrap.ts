import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { decodeForm, looksLikeForm } from './form.js';
import type { Limits } from './limits.js';

export interface RawEvents {
  /** Whether one status stands for several events; a batch of one is one. */
  readonly batch: boolean;
  readonly events: JsonValue[];
  /** What stands beside `batch` in `{"batch": [...]}`: for Segment `context`, `integrations` and `sentAt` of every item. */
  readonly envelope?: JsonObject;
}

/**
 * The events of a decoded body: an array holds several (also if it holds one or none), so does an object with a `batch`
 * array whose `type`, if it has any, is `batch`; everything else is one event. Throws LIMIT_EXCEEDED for more than
 * `limits.events` of them.
 */
export function toRawEvents(value: JsonValue, limits: Limits): RawEvents {
  if (Array.isArray(value)) return { batch: true, events: atMost(value, limits) };
  if (!isObject(value) || !isBatch(value)) return { batch: false, events: [value] };
  const { batch, ...envelope } = value;
  return { batch: true, events: atMost(Array.isArray(batch) ? batch : [], limits), envelope };
}

/**
 * The event inside an element of a batch. Segment's Extensible Webhook wraps each: `{"json": {...}}`, or `{"body": "a=b"}`
 * where it is set to form encoding (seen in its recorded requests; the array itself is JSON either way). Only an element
 * with that one member is taken as a wrapper. Throws nothing: what cannot be unwrapped stays as it is.
 */
export function unwrapJsonMember(element: JsonValue, limits: Limits): JsonValue {
  if (!isObject(element)) return element;
  const names = Object.keys(element);
  if (names.length !== 1) return element;
  const { json, body } = element;
  if (isObject(json)) return json;
  if (typeof body !== 'string' || !looksLikeForm(body)) return element;
  try {
    return decodeForm(body, limits);
  } catch (error) {
    // One bad element must not refuse the others: it goes into quarantine as it came.
    if (error instanceof TrackbridgeError) return element;
    throw error;
  }
}

function isBatch(value: JsonObject): boolean {
  const { batch, type } = value;
  return Array.isArray(batch) && (type === undefined || type === 'batch');
}

function atMost(events: JsonValue[], limits: Limits): JsonValue[] {
  if (events.length <= limits.events) return events;
  const detail = `the batch holds ${events.length} events, over the limit of ${limits.events}; send smaller batches`;
  throw new TrackbridgeError('LIMIT_EXCEEDED', detail);
}
