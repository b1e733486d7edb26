import { TrackbridgeError, type Violation } from '../../core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import { itemBytes } from '../../decode/json/items.js';
import { tryParseEvents } from '../../decode/json/parse.js';
import { LIMITS } from '../../decode/limits.js';
import { decodeQuery } from '../../decode/query/parse.js';
import { tooManyEvents } from '../../decode/sanitize.js';
import { fromSegment } from '../../event/from-segment.js';
import { missingField } from '../../event/vendor-requirements.js';
import { mergeBatch, violationsOfMerge } from '../merge-batch.js';
import type { AcceptedDelivery, Answer, Answers, SentAs } from '../source.js';
import { withClientAddress } from './client-address.js';
import { isBatch, type Message, type TrackingVendor } from './vendor.js';

/** Segment's published limits: bytes of an event, bytes of a batch, events of a batch. */
const EVENT_LIMIT = 32 * 1024;
const BATCH_LIMIT = 500 * 1024;
const BATCH_EVENTS = 2_500;
/** Maximum UTF-8 bytes of one UTF-16 unit. */
const LONGEST_CHARACTER = 3;

/**
 * Segment's HTTP Tracking API. Segment answers 200 to nearly everything, including events it then drops. This does the
 * same but quarantines the events that Segment would drop. `strict` answers 400 and 401 instead, as Segment's users
 * have requested.
 */
export function segmentApi(strict: boolean): TrackingVendor {
  return {
    vendor: 'segment',
    answers: segmentAnswers(strict),
    extraTypes: [],
    noKey: () => 'no write key in Authorization: Basic, the body, its items or the query',
    unknownKey: 'the write key is not listed',
    bodyBeforeKey: true,
    oneRefusesAll: false,
    checkSize(bytes, route) {
      if (!strict) return;
      const [limit, what] =
        route.kind === 'event' ? [EVENT_LIMIT, 'an event'] : [BATCH_LIMIT, 'a batch'];
      if (bytes <= limit) return;
      const detail = `${bytes} bytes exceed Segment's limit of ${limit} for ${what}`;
      throw new TrackbridgeError('BODY_TOO_LARGE', detail);
    },
    messagesOf(body, route, text) {
      if (isBatch(body, route)) return messagesOfBatch(body, text);
      if (!isObject(body)) {
        throw new TrackbridgeError('BODY_MALFORMED', 'the body is not a JSON object');
      }
      const value = route.kind === 'event' ? { ...body, type: route.type } : body;
      return [withSent({ value }, sentAs(0, Buffer.byteLength(text)))];
    },
    violationsOf,
    receive: (message, delivery) => fromSegment(withClientAddress(message, delivery), delivery),
    pixelOf(query, type) {
      const value = { ...pixelPayload(query), type };
      const { writeKey } = value as JsonObject;
      return { value, ...(typeof writeKey === 'string' ? { writeKey } : {}) };
    },
    notJson: (cause) =>
      cause.code === 'LIMIT_EXCEEDED'
        ? cause
        : new TrackbridgeError('BODY_MALFORMED', `the body is not JSON: ${cause.message}`),
  };

  function violationsOf(value: JsonValue, sent: SentAs): Violation[] {
    const { bytes = 0, position = 0 } = sent;
    const large = `is ${bytes} bytes; Segment's limit is ${EVENT_LIMIT} per event`;
    const beyond = `exceeds Segment's limit of ${BATCH_EVENTS} events per batch`;
    return [
      ...(bytes > EVENT_LIMIT ? [{ path: '', message: large }] : []),
      ...(position >= BATCH_EVENTS ? [{ path: '', message: beyond }] : []),
      ...violationsOfMerge(sent),
      ...(strict && isObject(value) ? missingIn(value) : []),
    ];
  }
}

function sentAs(position: number, bytes: number): SentAs | undefined {
  const large = bytes > EVENT_LIMIT;
  const beyond = position >= BATCH_EVENTS;
  if (!large && !beyond) return undefined;
  return { ...(large && { bytes }), ...(beyond && { position }) };
}

function withSent(message: Message, sent: SentAs | undefined): Message {
  return sent === undefined ? message : { ...message, sent: { ...message.sent, ...sent } };
}

/** Returns the items of a batch with its shared fields merged in. `text` is the batch as sent. */
function messagesOfBatch(body: JsonValue, text: string): Message[] {
  const items = Array.isArray(body) ? body : isObject(body) ? body['batch'] : undefined;
  if (!Array.isArray(items)) {
    throw new TrackbridgeError('BODY_MALFORMED', 'the body has no array "batch"');
  }
  if (items.length > LIMITS.events) throw tooManyEvents(items.length, LIMITS);
  // Shared fields do not count toward an event's size, and in a short text no event can be too large.
  const sizes = text.length * LONGEST_CHARACTER > EVENT_LIMIT ? itemBytes(text) : [];
  return mergeBatch(items, isObject(body) ? body : {}).map((merged, at) => {
    const item = items[at] ?? null;
    const own = isObject(item) ? item['writeKey'] : undefined;
    const message = withSent(merged, sentAs(at, sizes[at] ?? 0));
    return typeof own === 'string' ? { ...message, writeKey: own } : message;
  });
}

/** Violations of Segment's specification, for which its API silently drops an event. */
function missingIn(event: JsonObject): Violation[] {
  const ids = ['userId', 'anonymousId', ...(event['type'] === 'alias' ? ['previousId'] : [])];
  const identity = ids.some((id) => (event[id] ?? '') !== '');
  const field = missingField(event);
  return [
    ...(identity ? [] : [{ path: '', message: 'has neither userId nor anonymousId' }]),
    ...(field === undefined ? [] : [{ path: `/${field}`, message: 'is missing' }]),
  ];
}

/** `?data=` with JSON in base64, or the event's fields as dotted parameters. */
function pixelPayload(query: string): JsonObject {
  const data = new URLSearchParams(query).get('data');
  if (data !== null) {
    // Decoding the query turns a `+` of base64 into a space.
    const text = Buffer.from(data.replaceAll(' ', '+'), 'base64').toString('utf8');
    const value = tryParseEvents(text, LIMITS);
    const key = new URLSearchParams(query).get('writeKey');
    return { ...(key === null ? {} : { writeKey: key }), ...(isObject(value) ? value : {}) };
  }
  const { value } = decodeQuery(query, { types: 'strings', limits: LIMITS });
  return isObject(value) ? value : {};
}

function segmentAnswers(strict: boolean): Answers {
  return {
    accepted: (delivery) => (strict ? honest(delivery) : SUCCESS),
    rejected(error, retryAfter) {
      if (!strict && QUIET.has(error.code)) return SUCCESS;
      return failure(statusOf(error), error.code, error.message, {
        ...error.headers,
        ...waiting(error.status, retryAfter),
      });
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const SUCCESS: Answer = { status: 200, headers: JSON_TYPE, body: '{"success":true}' };

/** Errors that Segment answers 200, because it checks keys and events only later. */
const QUIET: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'EVENT_INVALID']);

/** Segment has one status for every fault of a body. Not every SDK retries 408. */
function statusOf({ status }: TrackbridgeError): number {
  if (status === 408 || status >= 500) return 503;
  return status === 413 || status === 415 || status === 422 ? 400 : status;
}

/**
 * Newer SDKs read `Retry-After`, older browser SDKs `X-RateLimit-Reset`, both in seconds; version 2 for Node reads
 * neither.
 */
function waiting(status: number, retryAfter: number | undefined): Record<string, string> {
  if (retryAfter === undefined) return {};
  const seconds = String(retryAfter);
  return status === 429
    ? { 'retry-after': seconds, 'x-ratelimit-reset': seconds }
    : { 'retry-after': seconds };
}

/**
 * Answers a batch with rejected events. Its valid events are stored even so, because the sender drops the batch on 400.
 */
function honest(delivery: AcceptedDelivery): Answer {
  const refused = delivery.quarantined + delivery.unauthenticated;
  if (refused === 0) return SUCCESS;
  const why = delivery.quarantined === 0 ? 'their write key is not listed' : 'they are invalid';
  const detail = `${refused} events were rejected because ${why}; the others were accepted`;
  return failure(400, 'EVENT_INVALID', detail, {}, delivery.violations);
}

/** Python's SDK reads `code` and `message`, Ruby's `error`. */
function failure(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>>,
  errors?: readonly Violation[],
): Answer {
  const body = JSON.stringify({
    success: false,
    code: code.toLowerCase(),
    message,
    error: message,
    ...(errors === undefined || errors.length === 0 ? {} : { errors: errors.slice(0, 100) }),
  });
  return { status, headers: { ...JSON_TYPE, ...headers }, body };
}
