import { canonicalContext } from './context.js';
import { type CanonicalEvent, isObject, type JsonObject, without } from './event.js';
import { withSegmentExternalIds } from './external-ids.js';
import { integrationsToSegment } from './integration-names.js';
import { rememberMessageId, segmentMessageId } from './segment-message-id.js';

/**
 * What Segment sets itself (`receivedAt`, and `originalTimestamp` from the `timestamp` it is sent), what is RudderStack's
 * alone, and what is ours. An old `sentAt` would do harm: see `toSegment`.
 */
const NOT_SENT = new Set([
  ...['receipt', 'receivedAt', 'originalTimestamp', 'sentAt', 'rudderId', 'request_ip'],
  ...['writeKey', 'channel'],
]);

/**
 * A canonical event as the message that Segment's `/v1/batch` takes. Never fails; `missingForSegment` says which events
 * Segment would drop.
 *
 * Segment puts `receivedAt - (sentAt - timestamp)` in the place of the timestamp it is sent. The canonical one is
 * corrected already, so the batch around this message must carry as `sentAt` the time at which it is sent: the formula
 * then adds the time under way, and the difference between Segment's clock and ours, and nothing else.
 */
export function toSegment(event: CanonicalEvent): JsonObject {
  const message = without(event, NOT_SENT);
  const context = contextOf(event);
  if (event.type === 'identify') {
    message['traits'] = event['traits'] ?? context['traits'] ?? {};
  }
  if (typeof event['channel'] === 'string') {
    message['channel'] = event['channel'] === 'web' ? 'client' : event['channel'];
  }
  if (isObject(event.integrations) && Object(event.receipt).vendor === 'rudderstack') {
    message['integrations'] = integrationsToSegment(event.integrations);
  }
  message['context'] = context;
  const messageId = segmentMessageId(event.messageId);
  if (messageId === event.messageId) return message;
  return { ...message, messageId, context: rememberMessageId(context, event.messageId) };
}

function contextOf(event: CanonicalEvent): JsonObject {
  const context = canonicalContext(event.context, event['request_ip']);
  return isObject(context) ? withSegmentExternalIds(context) : {};
}
