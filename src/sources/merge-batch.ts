import type { Violation } from '../core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import { objectOf } from '../event/event.js';
import type { SentAs } from './source.js';

/** Bytes. A small body must not become gigabytes: 2,500 events that share 400 kB are 500 kB on the wire. */
const MOST_COPIED = 16 * 1024 * 1024;

/** An event of a batch with the batch's shared fields merged in. */
export interface MergedItem {
  readonly value: JsonValue;
  readonly sent?: SentAs;
}

/**
 * Merges the `context`, `integrations` and `sentAt` beside a `batch` into every item, as Segment does; an item's own
 * members win. RudderStack ignores these fields. If they are too large to copy, the items stay as sent and
 * `violationsOfMerge` reports it.
 */
export function mergeBatch(items: readonly JsonValue[], envelope: JsonObject): MergedItem[] {
  const beside = sharedBytes(envelope);
  if (beside === 0) return items.map((value) => ({ value }));
  if (beside * items.length > MOST_COPIED) {
    return items.map((value) => ({ value, sent: { unmerged: beside } }));
  }
  return items.map((item) => ({ value: merged(item, envelope) }));
}

/** Returns why an event is quarantined whose batch's shared fields were too large to copy. */
export function violationsOfMerge({ unmerged }: SentAs): Violation[] {
  if (unmerged === undefined) return [];
  const message = `lacks the shared fields of its batch: their ${unmerged} bytes are too many to copy into every event; send smaller batches`;
  return [{ path: '', message }];
}

function sharedBytes({ context, integrations, sentAt }: JsonObject): number {
  if (context === undefined && integrations === undefined && sentAt === undefined) return 0;
  return Buffer.byteLength(JSON.stringify({ context, integrations, sentAt }));
}

function merged(item: JsonValue, envelope: JsonObject): JsonValue {
  if (!isObject(item)) return item;
  const result: JsonObject = { ...item };
  for (const field of ['context', 'integrations']) {
    const shared = envelope[field];
    const own = objectOf(item[field] ?? {});
    if (isObject(shared) && isObject(own)) result[field] = { ...shared, ...own };
  }
  const { sentAt } = envelope;
  if (sentAt !== undefined && (item['sentAt'] ?? null) === null) result['sentAt'] = sentAt;
  return result;
}
