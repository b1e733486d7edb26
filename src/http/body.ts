import type { IncomingMessage } from 'node:http';
import getRawBody from 'raw-body';
import { type ErrorCode, TrackbridgeError } from '../errors.js';
import { within } from './deadline.js';
import { codingOf, inflateBody } from './inflate.js';

const NO_BODY = Buffer.alloc(0);

/** How the request frames a body; without either header there is none, and nothing to wait for. */
function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return (
    request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
  );
}

/**
 * The request's body as bytes, its content coding undone: exactly what a sender signed.
 *
 * Not koa-body, which hands out decoded text: a byte order mark is gone and a bad byte replaced, so that a signature over
 * it fails. Errors: BODY_TOO_LARGE before and after inflating, CODING_UNKNOWN, BODY_MALFORMED for broken codings, and
 * `late` where the body has not arrived when `signal` aborts.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  signal: AbortSignal,
  late: ErrorCode,
): Buffer | Promise<Buffer> {
  if (!hasBody(request)) return NO_BODY;
  if (request.readableDidRead) {
    throw new TrackbridgeError(
      'INTERNAL',
      'the body was read before Trackbridge saw it; mount its middleware before any body parser',
    );
  }
  const coding = codingOf(request.headers['content-encoding']);
  const length = request.headers['content-length'];
  const read = getRawBody(request, { limit, ...(length === undefined ? {} : { length }) }).catch(
    (error: { type?: string }) => {
      throw readError(error, limit);
    },
  );
  const bytes = within(read, signal, () => lateBody(late));
  return coding === undefined ? bytes : bytes.then((body) => inflateBody(body, coding, limit));
}

function lateBody(code: ErrorCode): TrackbridgeError {
  return new TrackbridgeError(code, 'the body did not arrive within server.budget; send it again', {
    retryAfter: 1000,
  });
}

function readError(error: { type?: string }, limit: number): TrackbridgeError {
  if (error.type === 'entity.too.large') {
    return new TrackbridgeError('BODY_TOO_LARGE', `the body is larger than ${limit} bytes`);
  }
  return new TrackbridgeError('BODY_MALFORMED', 'the body ended before it was complete', {
    cause: error,
  });
}
