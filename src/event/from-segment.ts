import type { JsonObject, JsonValue } from './event.js';
import { restoreMessageId } from './segment-message-id.js';
import { formatTimestamp, readTimestamp, usable } from './timestamp.js';

/** What a message does not say by itself, but the request that brought it. */
export interface SegmentRequest {
  /** When the request arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * A message as Segment's libraries send it to the tracking API, with what its batch says for all merged into it, as the
 * raw event that `createCanonicalizer` takes: the event that Segment would make of it.
 *
 * Times follow Segment's rule: the `timestamp` that comes in is the sender's clock and becomes `originalTimestamp`, and
 * the event's own is `receivedAt - (sentAt - originalTimestamp)`; without a `sentAt` there is nothing to correct by, and
 * without a `timestamp` it is now. A time that cannot be read stays where it is, for the canonical form to report.
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
