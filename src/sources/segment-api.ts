import { tryParseJson } from '../decode/json.js';
import { LIMITS } from '../decode/limits.js';
import { decodeQuery } from '../decode/query.js';
import { TrackbridgeError, type Violation } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { fromSegment } from '../event/from-segment.js';
import { withClientAddress } from './client-address.js';
import { mergeBatch, sharedBytes } from './merge-batch.js';
import type { Answer, Dialect, Taken } from './source.js';
import type { Message, TrackingVendor } from './tracking-vendor.js';

/** Segment's published limits: of one event, of a batch request, and of its events. */
const EVENT_LIMIT = 32 * 1024;
const BATCH_LIMIT = 500 * 1024;
const BATCH_EVENTS = 2_500;

/**
 * Segment's HTTP Tracking API. It answers 200 to nearly everything, also to what it then drops; so does this, but that what
 * it would drop is kept in quarantine. `strict` answers 400 and 401 instead, as Segment's users have asked it to.
 */
export function segmentApi(strict: boolean): TrackingVendor {
  return {
    vendor: 'segment',
    dialect: dialectOf(strict),
    extraTypes: [],
    noKey: () => 'no write key in Authorization: Basic, the body, its items or the query',
    unknownKey: 'the write key is not listed',
    bodyBeforeKey: true,
    oneRefusesAll: false,
    checkSize(bytes, route) {
      const [limit, what] =
        route.kind === 'event' ? [EVENT_LIMIT, 'an event'] : [BATCH_LIMIT, 'a batch'];
      if (bytes <= limit) return;
      const detail = `${bytes} bytes are over Segment's limit of ${limit} for ${what}`;
      throw new TrackbridgeError('BODY_TOO_LARGE', detail);
    },
    messagesOf(body, route, bytes) {
      if (route.kind !== 'event') return batchOf(body, bytes).map((each, at) => checked(each, at));
      if (!isObject(body)) {
        throw new TrackbridgeError('BODY_MALFORMED', 'the body is not a JSON object');
      }
      const value = { ...body, type: route.type };
      return [strict ? withViolations({ value }, missingIn(value)) : { value }];
    },
    receive: (message, delivery) => fromSegment(withClientAddress(message, delivery), delivery),
    pixelOf(query, type) {
      const value = { ...pixelPayload(query), type };
      const { writeKey } = value as JsonObject;
      return { value, ...(typeof writeKey === 'string' ? { writeKey } : {}) };
    },
    notJson: (cause) =>
      new TrackbridgeError('BODY_MALFORMED', `the body is not JSON: ${cause.message}`),
  };

  /** The items of a batch, what stands beside them merged in. */
  function batchOf(body: JsonValue, bytes: number): Message[] {
    const items = Array.isArray(body) ? body : isObject(body) ? body['batch'] : undefined;
    if (!Array.isArray(items)) {
      throw new TrackbridgeError('BODY_MALFORMED', 'the body has no array "batch"');
    }
    if (items.length > LIMITS.events) {
      const detail = `the batch holds ${items.length} events; send at most ${BATCH_EVENTS}`;
      throw new TrackbridgeError('LIMIT_EXCEEDED', detail);
    }
    const envelope = isObject(body) ? body : {};
    const beside = sharedBytes(envelope);
    return mergeBatch(items, envelope).map((value, at) => {
      const item = items[at] ?? null;
      const own = isObject(item) ? item['writeKey'] : undefined;
      const message = withViolations({ value }, bytes > EVENT_LIMIT ? tooLarge(item, beside) : []);
      return typeof own === 'string' ? { ...message, writeKey: own } : message;
    });
  }

  function checked(message: Message, at: number): Message {
    if (at >= BATCH_EVENTS) {
      return withViolations(message, [
        { path: '', message: `is beyond Segment's limit of ${BATCH_EVENTS} events a batch` },
      ]);
    }
    return strict && isObject(message.value)
      ? withViolations(message, missingIn(message.value))
      : message;
  }
}

function withViolations(message: Message, violations: readonly Violation[]): Message {
  if (violations.length === 0) return message;
  return { ...message, violations: [...(message.violations ?? []), ...violations] };
}

/** `beside`: bytes that it takes over from what stands beside its batch. */
function tooLarge(item: JsonValue, beside: number): Violation[] {
  const bytes = Buffer.byteLength(JSON.stringify(item)) + beside;
  if (bytes <= EVENT_LIMIT) return [];
  return [{ path: '', message: `is ${bytes} bytes; Segment's limit is ${EVENT_LIMIT} an event` }];
}

/** What Segment's specification requires of an event, and its API drops without a word. */
function missingIn(event: JsonObject): Violation[] {
  const { type } = event;
  const has = (field: string): boolean => {
    const value = event[field];
    return value !== undefined && value !== null && value !== '';
  };
  const missing = (path: string, message: string): Violation[] => [{ path, message }];
  const identity = has('userId') || has('anonymousId') || (type === 'alias' && has('previousId'));
  return [
    ...(identity ? [] : missing('', 'has neither userId nor anonymousId')),
    ...(type === 'track' && !has('event') ? missing('/event', 'is missing') : []),
    ...(type === 'group' && !has('groupId') ? missing('/groupId', 'is missing') : []),
    ...(type === 'alias' && !has('previousId') ? missing('/previousId', 'is missing') : []),
  ];
}

/** `?data=` with JSON in base64, or the event's fields as dotted parameters. */
function pixelPayload(query: string): JsonObject {
  const data = new URLSearchParams(query).get('data');
  if (data !== null) {
    // A `+` of base64 comes out of a query as a space.
    const text = Buffer.from(data.replaceAll(' ', '+'), 'base64').toString('utf8');
    const value = tryParseJson(text, LIMITS);
    const key = new URLSearchParams(query).get('writeKey');
    return { ...(key === null ? {} : { writeKey: key }), ...(isObject(value) ? value : {}) };
  }
  const { value } = decodeQuery(query, { types: 'strings', limits: LIMITS });
  return isObject(value) ? value : {};
}

function dialectOf(strict: boolean): Dialect {
  return {
    taken: (taken) => (strict ? honest(taken) : SUCCESS),
    refused(error, retryAfter) {
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

/** What Segment answers 200: it looks at keys and events only later. */
const QUIET: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'EVENT_INVALID']);

/** For everything in a body Segment has one status. 408 not every SDK retries. */
function statusOf({ status }: TrackbridgeError): number {
  if (status === 408 || status >= 500) return 503;
  return status === 413 || status === 415 || status === 422 ? 400 : status;
}

/** SDKs read one or the other: newer ones `Retry-After`, older browsers `X-RateLimit-Reset`, both seconds; Node 2 neither. */
function waiting(status: number, retryAfter: number | undefined): Record<string, string> {
  if (retryAfter === undefined) return {};
  const seconds = String(retryAfter);
  return status === 429
    ? { 'retry-after': seconds, 'x-ratelimit-reset': seconds }
    : { 'retry-after': seconds };
}

/** Of a batch the valid events are kept also where it is refused: the sender drops it on 400. */
function honest(taken: Taken): Answer {
  const refused = taken.quarantined + taken.unauthenticated;
  if (refused === 0) return SUCCESS;
  const whose = taken.quarantined === 0 ? 'a write key that is not listed' : 'what is wrong';
  const detail = `${refused} of the events are not taken, because of ${whose}; the others are`;
  return failure(400, 'EVENT_INVALID', detail, {}, taken.violations);
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
