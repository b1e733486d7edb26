import { TrackbridgeError, type Violation } from '../../core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import { LIMITS } from '../../decode/limits.js';
import { decodeQuery } from '../../decode/query/parse.js';
import { tooManyEvents } from '../../decode/sanitize.js';
import { fromRudderstack } from '../../event/from-rudderstack.js';
import { formatTimestamp } from '../../event/timestamp/timestamp.js';
import { visible } from '../../event/visible.js';
import { BODY_LIMIT, rudderstackAnswers, TEXTS } from '../gateway-answers.js';
import type { Delivery, SentAs } from '../source.js';
import { type EventsRoute, isBatch, type Message, type TrackingVendor } from './vendor.js';

/** Event types that do not require a user. */
const WITHOUT_IDENTITY: ReadonlySet<JsonValue | undefined> = new Set(['extract', 'record']);

/** RudderStack's open source gateway. One invalid event rejects the whole batch. */
export function rudderstackGateway(): TrackingVendor {
  return {
    vendor: 'rudderstack',
    answers: rudderstackAnswers(),
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
        if (needsIdentity(event)) {
          throw new TrackbridgeError('EVENT_INVALID', TEXTS.noIdentity);
        }
      }
      return events.map(messageOf);
    },
    receive,
    violationsOf,
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
  if (!isBatch(body, route)) return [body];
  const batch = isObject(body) ? (body['batch'] ?? []) : route.kind === 'root' ? body : [];
  // A single object is a batch of one.
  const events = Array.isArray(batch) ? batch : [batch];
  if (events.length === 0 && route.kind !== 'import') {
    throw new TrackbridgeError('BODY_EMPTY', TEXTS.emptyBatch);
  }
  if (events.length > LIMITS.events) throw tooManyEvents(events.length, LIMITS);
  return events;
}

/** Segment's libraries write their key into every event. RudderStack's gateway reads it only from the header. */
function messageOf(value: JsonValue): Message {
  const key = isObject(value) ? value['writeKey'] : undefined;
  return typeof key === 'string' ? { value, writeKey: key } : { value };
}

/** Ids may have any JSON type. A string without visible characters is not an id. */
function hasIdentity(event: JsonObject): boolean {
  return [event['anonymousId'], event['userId']].some((id) => {
    if (id === undefined || id === null) return false;
    return typeof id !== 'string' || visible(id) !== '';
  });
}

/** Adds the sender's address if the event lacks it, as RudderStack's gateway does. */
function receive(message: JsonObject, { receivedAt, remote }: Delivery): JsonObject {
  const event = fromRudderstack(message, { receivedAt });
  if (event['request_ip'] === undefined && remote !== '') event['request_ip'] = remote;
  return event;
}

/**
 * Reads a pixel's parameters as paths into the event. Quotes that page templates put around an anonymousId are removed.
 */
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
  return { value: event, sent: { pixel: true } };
}

function violationsOf(value: JsonValue, { pixel = false }: SentAs): Violation[] {
  if (!isObject(value)) return [];
  const nameless = pixel && value['type'] === 'track' && (value['event'] ?? '') === '';
  return [
    ...(nameless ? [{ path: '/event', message: 'is missing' }] : []),
    ...(needsIdentity(value) ? [{ path: '', message: TEXTS.noIdentity }] : []),
  ];
}

function needsIdentity(event: JsonObject): boolean {
  return !WITHOUT_IDENTITY.has(event['type']) && !hasIdentity(event);
}
