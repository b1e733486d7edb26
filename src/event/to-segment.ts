import { isObject, type JsonObject } from '../core/json.js';
import { canonicalContext } from './context.js';
import { type CanonicalEvent, without } from './event.js';
import { withSegmentExternalIds } from './external-ids.js';
import { integrationsToSegment } from './integrations/translate.js';
import { rememberMessageId, segmentMessageId } from './segment-message-id.js';

/**
 * Fields that are not sent: those that Segment sets itself (`receivedAt`, and `originalTimestamp` from the `timestamp`
 * it receives), those of RudderStack only, and our own. An old `sentAt` would do harm: see `toSegment`.
 */
const NOT_SENT = new Set([
  ...['receipt', 'receivedAt', 'originalTimestamp', 'sentAt', 'rudderId', 'request_ip'],
  ...['writeKey', 'channel'],
]);

/**
 * Converts a canonical event into a message for Segment's `/v1/batch`. Never fails; `missingForSegment` reports the
 * events that Segment would drop.
 *
 * Segment replaces the timestamp it receives with `receivedAt - (sentAt - timestamp)`. The canonical timestamp is
 * already corrected, so the batch around this message must carry its own time of sending as `sentAt`. The formula then
 * adds only the time in transit and the difference between Segment's clock and ours.
 *
 * `onUnmapped` is called with each name in `integrations` for which Segment has no destination.
 */
export function toSegment(
  event: CanonicalEvent,
  onUnmapped: (name: string) => void = () => undefined,
): JsonObject {
  const message = without(event, NOT_SENT);
  const context = contextOf(event);
  if (event.type === 'identify') {
    message['traits'] = event['traits'] ?? context['traits'] ?? {};
  }
  if (typeof event['channel'] === 'string') {
    message['channel'] = event['channel'] === 'web' ? 'client' : event['channel'];
  }
  if (isObject(event.integrations) && Object(event.receipt).vendor === 'rudderstack') {
    const { integrations, unmapped } = integrationsToSegment(event.integrations);
    message['integrations'] = integrations;
    unmapped.forEach(onUnmapped);
  }
  message['context'] = context;
  const messageId = segmentMessageId(event.messageId);
  if (messageId === event.messageId) return message;
  return { ...message, messageId, context: rememberMessageId(context, event.messageId) };
}

function contextOf(event: CanonicalEvent): JsonObject {
  const context = canonicalContext(event.context, event['request_ip']);
  if (!isObject(context)) return {};
  // `direct: true` makes Segment use the address of the connection as `context.ip`, which would be ours.
  const { direct, ...rest } = context;
  return withSegmentExternalIds(direct === true ? rest : context);
}
