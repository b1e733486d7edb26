import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import { deviceOf } from './device-libraries.js';
import { type CanonicalEvent, without } from './event.js';
import { withRudderstackExternalId } from './external-ids.js';
import { integrationsToRudderstack } from './integrations/translate.js';

const OURS = new Set(['receipt', 'writeKey']);
/** Top-level fields that Segment's own services add. For RudderStack they move to `context.segment`. */
const SEGMENTS_OWN = ['projectId', 'version', '_metadata', 'forwardedFromProject'] as const;

/**
 * Converts a canonical event into a message for RudderStack's `/v1/batch`. Never fails; `missingForRudderstack` reports
 * the events that RudderStack would reject.
 *
 * RudderStack keeps a `timestamp` as sent, so the message carries the corrected one besides `originalTimestamp`, which
 * it requires, and `sentAt`. RudderStack fills a missing `request_ip` with the address of the connection, which would
 * be ours, but keeps an empty one.
 *
 * `onUnmapped` is called with each name in `integrations` for which RudderStack has no destination.
 */
export function toRudderstack(
  event: CanonicalEvent,
  onUnmapped: (name: string) => void = () => undefined,
): JsonObject {
  const message = without(event, OURS);
  message['originalTimestamp'] = event['originalTimestamp'] ?? event.timestamp;
  let context = isObject(event.context) ? withRudderstackExternalId(event.context) : {};
  message['channel'] = channelOf(event['channel'], context);
  // RudderStack's own libraries write an identify's traits there, and most of its destinations read them there.
  if (event.type === 'identify' && isObject(event['traits']) && !isObject(context['traits'])) {
    context = { ...context, traits: event['traits'] };
  }
  message['request_ip'] = firstText(event['request_ip'], context['ip']);
  message['context'] = context;
  if (Object(event.receipt).vendor === 'rudderstack') return message;
  return translated(message, context, onUnmapped);
}

function firstText(...values: readonly (JsonValue | undefined)[]): JsonValue {
  return values.find((value) => typeof value === 'string' && value !== '') ?? '';
}

/** The channel is required. Segment uses `client` or `browser` for `web`, and Segment's libraries leave it unset. */
function channelOf(channel: JsonValue | undefined, context: JsonObject): JsonValue {
  if (channel === 'client' || channel === 'browser') return 'web';
  if (channel !== undefined && channel !== null && channel !== '') return channel;
  return deviceOf(context) ?? 'server';
}

/**
 * Moves Segment's own fields and its names of destinations, which only events from Segment have, to where they are
 * harmless.
 */
function translated(
  message: JsonObject,
  context: JsonObject,
  onUnmapped: (name: string) => void,
): JsonObject {
  const own = Object.fromEntries(
    SEGMENTS_OWN.filter((field) => message[field] !== undefined).map((field) => [
      field,
      message[field] ?? null,
    ]),
  );
  const sent = without(message, new Set(SEGMENTS_OWN));
  if (isObject(message['integrations'])) {
    const { integrations, unmapped } = integrationsToRudderstack(message['integrations']);
    sent['integrations'] = integrations;
    unmapped.forEach(onUnmapped);
    if (unmapped.length > 0) own['integrations'] = message['integrations'];
  }
  // A sender may already use `context.segment`, for example for the name of a customer segment.
  const taken = context['segment'];
  if (Object.keys(own).length > 0 && (taken === undefined || isObject(taken))) {
    sent['context'] = { ...context, segment: { ...own, ...taken } };
  }
  return sent;
}
