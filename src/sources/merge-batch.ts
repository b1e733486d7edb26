import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';

/** A small body must not become gigabytes: 2,500 events with 400 kB beside them are 500 kB on the wire. */
const MOST_COPIED = 16 * 1024 * 1024;

/**
 * In Segment's dialect, `context` and `integrations` beside a `batch` are every item's, whose own members win, and so is
 * `sentAt`. RudderStack ignores what stands there. Throws LIMIT_EXCEEDED where that would be too much to copy.
 */
export function mergeBatch(items: readonly JsonValue[], envelope: JsonObject): JsonValue[] {
  const bytes = sharedBytes(envelope);
  if (bytes * items.length > MOST_COPIED) {
    throw new TrackbridgeError(
      'LIMIT_EXCEEDED',
      `${bytes} bytes beside the batch are for each of its ${items.length} events; send smaller batches`,
    );
  }
  return items.map((item) => merged(item, envelope));
}

/** How much of an envelope every item takes over. */
export function sharedBytes({ context, integrations, sentAt }: JsonObject): number {
  const text = JSON.stringify({ context, integrations, sentAt });
  return text === '{}' ? 0 : Buffer.byteLength(text);
}

function merged(item: JsonValue, envelope: JsonObject): JsonValue {
  if (!isObject(item)) return item;
  const result: JsonObject = { ...item };
  for (const field of ['context', 'integrations']) {
    const shared = envelope[field];
    const own = item[field] ?? {};
    if (isObject(shared) && isObject(own)) result[field] = { ...shared, ...own };
  }
  const { sentAt } = envelope;
  if (sentAt !== undefined && (item['sentAt'] ?? null) === null) result['sentAt'] = sentAt;
  return result;
}
