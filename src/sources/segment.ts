import type { SourceConfig } from '../config/config.js';
import { decodeBody } from '../decode/body.js';
import { LIMITS } from '../decode/limits.js';
import type { MultipartReader } from '../decode/multipart.js';
import { toRawEvents, unwrapJsonMember } from '../decode/unwrap.js';
import { TrackbridgeError } from '../errors.js';
import type { JsonObject, JsonValue } from '../event/event.js';
import { verifyAll } from '../verify/combine.js';
import type { Verifier } from '../verify/verifier.js';
import { mergeBatch } from './merge-batch.js';
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

/** What the items of `{"batch": […]}` take over from what stands beside the batch. */
type MergeBatch = (items: readonly JsonValue[], envelope: JsonObject) => readonly JsonValue[];

/** The events of a delivery's body; what every source with bodies shares. Throws BODY_EMPTY and its like. */
export function decodeDeliveredBody(
  delivery: Delivery,
  readMultipart: MultipartReader,
  merge: MergeBatch = (items) => items,
): Decoded | Promise<Decoded> {
  const contentType = delivery.headers.first('content-type');
  const value = decodeBody(delivery.body, contentType, readMultipart, LIMITS);
  return value instanceof Promise
    ? value.then((late) => toDecoded(late, merge))
    : toDecoded(value, merge);
}

function toDecoded(value: JsonValue, merge: MergeBatch): Decoded {
  const { batch, events, envelope } = toRawEvents(value, LIMITS);
  const items = batch ? events.map((event) => unwrapJsonMember(event, LIMITS)) : events;
  const whole = envelope === undefined ? items : merge(items, envelope);
  return { batch, events: whole.map((event) => ({ value: event })) };
}

/** The error for a path below a source that means nothing there. */
export function nothingBelow(name: string, hint: string): TrackbridgeError {
  return new TrackbridgeError('NOT_FOUND', `source ${name} has nothing at this path; ${hint}`);
}
