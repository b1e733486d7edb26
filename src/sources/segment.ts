import { decodeBody } from '../decode/body.js';
import { LIMITS } from '../decode/limits.js';
import type { MultipartReader } from '../decode/multipart.js';
import { toRawEvents, unwrapJsonMember } from '../decode/unwrap.js';
import { TrackbridgeError } from '../errors.js';
import type { Verifier } from '../verify/verifier.js';
import { verifyAll } from '../verify/combine.js';
import type { SourceConfig } from '../config/config.js';
import type { JsonValue } from '../event/event.js';
import type { Decoded, Delivery, Source } from './source.js';

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
    methods: ['POST', 'PUT', 'PATCH'],
    takesBelow: false,
    // Segment's list of what it retries has no 408; 5xx is on it.
    lateBody: 'BUDGET_SPENT',
    checkBelow: () => undefined,
    verify: (delivery, signal) => verifyAll(verifiers, delivery, signal),
    decode: (delivery) => decodeDeliveredBody(delivery, readMultipart),
  };
}

/** The events of a delivery's body; what every source with bodies shares. Throws BODY_EMPTY and its like. */
export function decodeDeliveredBody(
  delivery: Delivery,
  readMultipart: MultipartReader,
): Decoded | Promise<Decoded> {
  const contentType = delivery.headers.first('content-type');
  const value = decodeBody(delivery.body, contentType, readMultipart, LIMITS);
  return value instanceof Promise ? value.then(toDecoded) : toDecoded(value);
}

function toDecoded(value: JsonValue): Decoded {
  const { batch, events } = toRawEvents(value, LIMITS);
  if (!batch) return { batch, events: events.map((event) => ({ value: event })) };
  return { batch, events: events.map((event) => ({ value: unwrapJsonMember(event) })) };
}

/** The error for a path below a source that means nothing there. */
export function nothingBelow(name: string, hint: string): TrackbridgeError {
  return new TrackbridgeError('NOT_FOUND', `source ${name} has nothing at this path; ${hint}`);
}
