import { TrackbridgeError } from '../core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import { batchOf } from './batch.js';
import { decodeForm, looksLikeForm } from './form/parse.js';
import type { Limits } from './limits.js';
import { tooManyEvents } from './sanitize.js';

export interface RawEvents {
  /** Whether the body is a batch, including a batch of one. */
  readonly batch: boolean;
  readonly events: JsonValue[];
  /**
   * The fields beside `batch` in `{"batch": [...]}`: for Segment, the `context`, `integrations` and `sentAt` of every
   * item.
   */
  readonly envelope?: JsonObject;
}

/**
 * Returns the events of a decoded body, by the rules of `batchOf`. Throws LIMIT_EXCEEDED for more than `limits.events`.
 */
export function toRawEvents(value: JsonValue, limits: Limits): RawEvents {
  const events = batchOf(value);
  if (events === undefined) return { batch: false, events: [value] };
  if (events.length > limits.events) throw tooManyEvents(events.length, limits);
  if (!isObject(value)) return { batch: true, events };
  const { batch: _, ...envelope } = value;
  return { batch: true, events, envelope };
}

/**
 * Unwraps the event inside an element of a batch. Segment's Extensible Webhook wraps each event as `{"json": {...}}`,
 * or as `{"body": "a=b"}` if set to form encoding (seen in its recorded requests; the array itself is JSON in both
 * cases). Only an element with exactly that one member counts as a wrapper. An element that cannot be unwrapped stays
 * as it is.
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
    // An invalid element must not reject the others. It is quarantined as received.
    if (error instanceof TrackbridgeError) return element;
    throw error;
  }
}
