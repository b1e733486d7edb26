import { LIMITS } from '../decode/limits.js';
import { decodeQuery } from '../decode/query.js';
import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { fromRudderstack, visible } from '../event/from-rudderstack.js';
import { formatTimestamp } from '../event/timestamp.js';
import { BODY_LIMIT, rudderstackDialect, TEXTS } from './rudderstack-answers.js';
import type { Delivery } from './source.js';
import type { EventsRoute, Message, TrackingVendor } from './tracking-vendor.js';

/** Types that need not belong to anybody. */
const WITHOUT_IDENTITY: ReadonlySet<JsonValue | undefined> = new Set(['extract', 'record']);

/** RudderStack's gateway, in its open source form: one bad event refuses the whole batch. */
export function rudderstackGateway(): TrackingVendor {
  return {
    vendor: 'rudderstack',
    dialect: rudderstackDialect(),
    extraTypes: ['merge', 'audiencelist', 'extract'],
    noKey: ({ kind }) =>
      kind === 'beacon' || kind === 'pixel' ? TEXTS.noQueryKey : TEXTS.noHeaderKey,
    unknownKey: TEXTS.unknownKey,
    bodyBeforeKey: false,
    oneRefusesAll: true,
    checkSize(bytes) {
      if (bytes > BODY_LIMIT) throw new TrackbridgeError('BODY_TOO_LARGE', TEXTS.tooLarge);
    },
    messagesOf(body, route) {
      const events = eventsOf(body, route);
      for (const event of events) {
        if (!isObject(event)) throw new TrackbridgeError('EVENT_INVALID', TEXTS.notEvent);
        if (!WITHOUT_IDENTITY.has(event['type']) && !hasIdentity(event)) {
          throw new TrackbridgeError('EVENT_INVALID', TEXTS.noIdentity);
        }
      }
      return events.map(messageOf);
    },
    receive,
    pixelOf: (query, type, delivery) => pixelOf(query, type, delivery.receivedAt),
    notJson: (cause) =>
      cause.code === 'LIMIT_EXCEEDED'
        ? cause
        : new TrackbridgeError('BODY_MALFORMED', TEXTS.notJson),
  };
}

function eventsOf(body: JsonValue, route: EventsRoute): JsonValue[] {
  if (route.kind === 'event') {
    return [isObject(body) ? { ...body, type: route.type } : body];
  }
  const batch = isObject(body) ? (body['batch'] ?? []) : [];
  // A single object is a batch of one.
  const events = Array.isArray(batch) ? batch : [batch];
  if (events.length === 0 && route.kind !== 'import') {
    throw new TrackbridgeError('BODY_EMPTY', TEXTS.emptyBatch);
  }
  if (events.length > LIMITS.events) {
    const detail = `the batch holds ${events.length} events; send at most ${LIMITS.events}`;
    throw new TrackbridgeError('LIMIT_EXCEEDED', detail);
  }
  return events;
}

/** Libraries of Segment's write their key into every event; the gateway looks for it in the header only. */
function messageOf(value: JsonValue): Message {
  const key = isObject(value) ? value['writeKey'] : undefined;
  return typeof key === 'string' ? { value, writeKey: key } : { value };
}

/** Ids may be of any JSON type; what shows nothing is none. */
function hasIdentity(event: JsonObject): boolean {
  return [event['anonymousId'], event['userId']].some((id) => {
    if (id === undefined || id === null) return false;
    return typeof id !== 'string' || visible(id) !== '';
  });
}

/** The gateway fills in who asked where the event does not say it. */
function receive(message: JsonObject, { receivedAt, remote }: Delivery): JsonObject {
  const event = fromRudderstack(message, { receivedAt });
  if (event['request_ip'] === undefined) event['request_ip'] = remote;
  return event;
}

/** A pixel's keys are paths into the event; what browsers' templates put in quotes comes without them. */
function pixelOf(query: string, type: string, receivedAt: number): Message {
  const { value } = decodeQuery(query, { types: 'strings', limits: LIMITS });
  const { writeKey: _, ...fields } = isObject(value) ? value : {};
  const now = formatTimestamp(receivedAt);
  const event: JsonObject = {
    channel: 'web',
    integrations: { All: true },
    originalTimestamp: now,
    sentAt: now,
    ...fields,
    type,
  };
  const { anonymousId } = event;
  if (typeof anonymousId === 'string')
    event['anonymousId'] = anonymousId.replace(/^"(.*)"$/s, '$1');
  const nameless = type === 'track' && (event['event'] ?? '') === '';
  const violations = [
    ...(nameless ? [{ path: '/event', message: 'is missing' }] : []),
    ...(hasIdentity(event) ? [] : [{ path: '', message: TEXTS.noIdentity }]),
  ];
  return violations.length === 0 ? { value: event } : { value: event, violations };
}
