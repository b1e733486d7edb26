import { deviceOf } from './device-libraries.js';
import {
  type CanonicalEvent,
  isObject,
  type JsonObject,
  type JsonValue,
  without,
} from './event.js';
import { withRudderstackExternalId } from './external-ids.js';
import { integrationsToRudderstack } from './integration-names.js';

const OURS = new Set(['receipt', 'writeKey']);
/** What Segment's own services write at the top of an event; toward RudderStack it goes to `context.segment`. */
const SEGMENTS_OWN = ['projectId', 'version', '_metadata', 'forwardedFromProject'] as const;

/**
 * A canonical event as the message that RudderStack's `/v1/batch` takes. Never fails; `missingForRudderstack` says which
 * events it would refuse.
 *
 * RudderStack keeps a `timestamp` as it is sent, so the corrected one goes beside `originalTimestamp`, which it requires,
 * and `sentAt`. It writes the sender's address into `request_ip` where that is missing, which would be ours.
 */
export function toRudderstack(event: CanonicalEvent): JsonObject {
  const message = without(event, OURS);
  message['originalTimestamp'] = event['originalTimestamp'] ?? event.timestamp;
  let context = isObject(event.context) ? withRudderstackExternalId(event.context) : {};
  message['channel'] = channelOf(event['channel'], context);
  // RudderStack's own libraries write an identify's traits there, and most of its destinations read them there too.
  if (event.type === 'identify' && isObject(event['traits']) && !isObject(context['traits'])) {
    context = { ...context, traits: event['traits'] };
  }
  const ip = event['request_ip'] ?? context['ip'];
  if (typeof ip === 'string' && ip !== '') message['request_ip'] = ip;
  message['context'] = context;
  return Object(event.receipt).vendor === 'rudderstack' ? message : translated(message, context);
}

/** The channel is required. Segment says `client` or `browser` for `web`, and its libraries leave it to Segment to say. */
function channelOf(channel: JsonValue | undefined, context: JsonObject): JsonValue {
  if (channel === 'client' || channel === 'browser') return 'web';
  if (channel !== undefined && channel !== null && channel !== '') return channel;
  return deviceOf(context) ?? 'server';
}

/** What only an event of Segment's needs: its own fields, and its names of destinations, moved where they do no harm. */
function translated(message: JsonObject, context: JsonObject): JsonObject {
  const own = Object.fromEntries(
    SEGMENTS_OWN.filter((field) => message[field] !== undefined).map((field) => [
      field,
      message[field] ?? null,
    ]),
  );
  const sent = without(message, new Set(SEGMENTS_OWN));
  if (isObject(message['integrations'])) {
    const { integrations, unknown } = integrationsToRudderstack(message['integrations']);
    sent['integrations'] = integrations;
    if (unknown) own['integrations'] = message['integrations'];
  }
  // A sender may have a `context.segment` of its own, such as the name of a customer segment.
  const taken = context['segment'];
  if (Object.keys(own).length > 0 && (taken === undefined || isObject(taken))) {
    sent['context'] = { ...context, segment: { ...own, ...taken } };
  }
  return sent;
}
