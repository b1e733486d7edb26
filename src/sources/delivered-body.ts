import type { JsonObject, JsonValue } from '../core/json.js';
import { decodeBody } from '../decode/body.js';
import { ContentTypes } from '../decode/content-types.js';
import { LIMITS } from '../decode/limits.js';
import { toRawEvents, unwrapJsonMember } from '../decode/unwrap.js';
import type { MergedItem } from './merge-batch.js';
import type { Decoded, Delivery } from './source.js';

/** Merges the fields beside `batch` of `{"batch": […]}` into its items. */
type MergeBatch = (items: readonly JsonValue[], envelope: JsonObject) => readonly MergedItem[];

/**
 * Decodes the events of a delivery's body, for every source that accepts bodies. Throws BODY_EMPTY, BODY_MALFORMED or
 * LIMIT_EXCEEDED.
 */
export function decodeDeliveredBody(
  delivery: Delivery,
  merge: MergeBatch = (items) => items.map((value) => ({ value })),
): Decoded {
  const labels = new ContentTypes(delivery.headers.all('content-type'));
  const value = decodeBody(delivery.body, labels, LIMITS);
  const { batch, events, envelope } = toRawEvents(value, LIMITS);
  const items = batch ? events.map((event) => unwrapJsonMember(event, LIMITS)) : events;
  return { batch, events: merge(items, envelope ?? {}) };
}
