import type { JsonObject, JsonValue } from '../core/json.js';
import { restoreMessageId } from './segment-message-id.js';
import { formatTimestamp, readTimestamp, usable } from './timestamp/timestamp.js';

/** Facts from the delivery that the message itself lacks. */
export interface SegmentRequest {
  /** When the delivery arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * Converts a message that Segment's libraries send to the tracking API, with the shared fields of its batch merged in,
 * into the raw event for `createCanonicalizer`, as Segment would.
 *
 * Times follow Segment's rule. The incoming `timestamp` is the sender's clock and becomes `originalTimestamp`; the
 * event's `timestamp` becomes `receivedAt - (sentAt - originalTimestamp)`. Without `sentAt` it is not corrected;
 * without an incoming `timestamp` it is the time of arrival. An unreadable time stays where it is, for the
 * canonicalizer to report.
 */
export function fromSegment(sent: JsonObject, request: SegmentRequest): JsonObject {
  const message = restoreMessageId(sent);
  const arrival = formatTimestamp(request.receivedAt);
  const event: JsonObject = { ...message, receivedAt: arrival };

  const original = message['timestamp'] ?? message['originalTimestamp'];
  if (original === undefined || original === null || original === '') {
    return { ...event, timestamp: arrival };
  }
  const read = readText(original);
  if (read === undefined) return { ...event, timestamp: original };
  const clock = readText(message['sentAt']);
  const corrected = clock === undefined ? read : usable(request.receivedAt - (clock - read));
  return {
    ...event,
    originalTimestamp: original,
    timestamp: formatTimestamp(corrected ?? request.receivedAt),
  };
}

function readText(value: JsonValue | undefined): number | undefined {
  return typeof value === 'string' ? readTimestamp(value) : undefined;
}
