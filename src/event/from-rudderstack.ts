import type { JsonObject, JsonValue } from '../core/json.js';
import { formatTimestamp } from './timestamp/timestamp.js';
import { visible } from './visible.js';

/** Facts from the delivery that the message itself lacks. */
export interface RudderstackRequest {
  /** When the delivery arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * Converts a message that RudderStack's libraries send to the gateway into the raw event for `createCanonicalizer`, as
 * RudderStack would.
 *
 * As in rudder-server, a missing `originalTimestamp`, `sentAt` or `receivedAt` becomes the time of arrival. A
 * `timestamp` is kept; a missing one is `receivedAt - (sentAt - originalTimestamp)`, which the canonicalizer computes.
 * Invisible characters are removed from a messageId. Fields of the batch around a message, including `sentAt`, are
 * ignored.
 */
export function fromRudderstack(message: JsonObject, request: RudderstackRequest): JsonObject {
  const arrival = formatTimestamp(request.receivedAt);
  const event = { ...message };
  for (const field of ['originalTimestamp', 'sentAt', 'receivedAt'] as const) {
    if (isMissing(message[field])) event[field] = arrival;
  }
  if (typeof message['messageId'] === 'string') event['messageId'] = visible(message['messageId']);
  return event;
}

function isMissing(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === '';
}
