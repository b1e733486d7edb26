import type { IncomingMessage } from 'node:http';
import getRawBody from 'raw-body';
import { within } from '../clock.js';
import { type ErrorCode, TrackbridgeError } from '../errors.js';
import { budgetSpent } from './deadline.js';
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
 * it fails. Errors: BODY_TOO_LARGE before and after inflating, CODING_UNKNOWN, BODY_MALFORMED for broken codings,
 * BODY_ABORTED where the sender hung up, `late` where the body has not arrived when `signal` aborts, and BUDGET_SPENT
 * where inflating takes longer than that.
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
  if (coding === undefined) return bytes;
  return bytes.then((body) => {
    const inflated = inflateBody(body, coding, limit);
    return within(inflated, signal, () => budgetSpent('inflating the body'));
  });
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
  if (error.type === 'request.aborted') {
    return new TrackbridgeError(
      'BODY_ABORTED',
      'the connection was lost before the body was whole',
    );
  }
  if (error.type === 'request.size.invalid') {
    return new TrackbridgeError('BODY_MALFORMED', 'the body is not as long as its Content-Length');
  }
  return new TrackbridgeError('INTERNAL', 'the body cannot be read here', { cause: error });
}
