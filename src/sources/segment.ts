import type { SourceConfig } from '../config/config.js';
import { decodeBody } from '../decode/body.js';
import { LIMITS } from '../decode/limits.js';
import type { MultipartReader } from '../decode/multipart.js';
import { toRawEvents, unwrapJsonMember } from '../decode/unwrap.js';
import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { verifyAll } from '../verify/combine.js';
import type { Verifier } from '../verify/verifier.js';
import { exactly } from './route.js';
import type { Decoded, Delivery, Source } from './source.js';

const METHODS = ['POST', 'PUT', 'PATCH'];

/**
 * Segment's webhooks: the classic one (POST, one event a request) and the Actions ones (POST, PUT or PATCH; a batch is a
 * bare array). The Extensible Webhook wraps every element of a batch as `{"json": {…}}`.
 */
export function createSegmentSource(
  name: string,
  config: SourceConfig,
  verifiers: readonly Verifier[],
  readMultipart: MultipartReader,
): Source {
  return {
    name,
    vendor: 'segment',
    config,
    route: exactly(config.path),
    methodsFor: () => METHODS,
    // Segment's list of what it retries has no 408; 5xx is on it.
    lateBody: 'BUDGET_SPENT',
    checkBelow: () => undefined,
    verify: verifyAll(verifiers),
    decode: (delivery) => decodeDeliveredBody(delivery, readMultipart, mergeBatch),
  };
}

/** What an item of `{"batch": […]}` takes over from what stands beside the batch. */
type MergeBatch = (item: JsonValue, envelope: JsonObject) => JsonValue;

/** The events of a delivery's body; what every source with bodies shares. Throws BODY_EMPTY and its like. */
export function decodeDeliveredBody(
  delivery: Delivery,
  readMultipart: MultipartReader,
  merge: MergeBatch = (item) => item,
): Decoded | Promise<Decoded> {
  const contentType = delivery.headers.first('content-type');
  const value = decodeBody(delivery.body, contentType, readMultipart, LIMITS);
  return value instanceof Promise
    ? value.then((late) => toDecoded(late, merge))
    : toDecoded(value, merge);
}

function toDecoded(value: JsonValue, merge: MergeBatch): Decoded {
  const { batch, events, envelope } = toRawEvents(value, LIMITS);
  const unwrapped = (event: JsonValue): JsonValue => {
    if (!batch) return event;
    const item = unwrapJsonMember(event, LIMITS);
    return envelope === undefined ? item : merge(item, envelope);
  };
  return { batch, events: events.map((event) => ({ value: unwrapped(event) })) };
}

/**
 * In Segment's dialect, `context` and `integrations` beside a `batch` are every item's, whose own members win, and so is
 * `sentAt`. RudderStack ignores what stands there.
 */
export function mergeBatch(item: JsonValue, envelope: JsonObject): JsonValue {
  if (!isObject(item)) return item;
  const merged: JsonObject = { ...item };
  for (const field of ['context', 'integrations']) {
    const shared = envelope[field];
    const own = item[field] ?? {};
    if (isObject(shared) && isObject(own)) merged[field] = { ...shared, ...own };
  }
  const { sentAt } = envelope;
  if (sentAt !== undefined && item['sentAt'] === undefined) merged['sentAt'] = sentAt;
  return merged;
}

/** The error for a path below a source that means nothing there. */
export function nothingBelow(name: string, hint: string): TrackbridgeError {
  return new TrackbridgeError('NOT_FOUND', `source ${name} has nothing at this path; ${hint}`);
}
