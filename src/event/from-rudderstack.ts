import type { JsonObject, JsonValue } from './event.js';
import { formatTimestamp } from './timestamp.js';

/** What a message does not say by itself, but the request that brought it. */
export interface RudderstackRequest {
  /** When the request arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * A message as RudderStack's libraries send it to the gateway, as the raw event that `createCanonicalizer` takes: the
 * event that RudderStack would make of it.
 *
 * As in rudder-server, `originalTimestamp`, `sentAt` and `receivedAt` are the time of arrival where they are missing; a
 * `timestamp` is kept, and a missing one is `receivedAt - (sentAt - originalTimestamp)`, which the canonical form works
 * out from these. A messageId is what of it is visible. Fields of the batch around a message are ignored, `sentAt`
 * included.
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

/** What the gateway takes for an id: without white space at its ends and without characters that show nothing. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu, '').trim();
}

function isMissing(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === '';
}
