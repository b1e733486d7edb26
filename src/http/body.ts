import type { IncomingMessage } from 'node:http';
import { type ErrorCode, TrackbridgeError } from '../errors.js';
import { collect } from './collect.js';
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

/** What the request says its body will be, in bytes; 0 where it says nothing. */
export function declaredLength(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}

/** Throws BODY_TOO_LARGE where the request says that its body will be over `limit` bytes. */
export function refuseTooLarge(request: IncomingMessage, limit: number): void {
  if (declaredLength(request) > limit) throw tooLarge(limit);
}

/**
 * The request's body as bytes, its content coding undone: exactly what a sender signed.
 *
 * Not koa-body, which hands out decoded text: a byte order mark is gone and a bad byte replaced, so that a signature over
 * it fails. `account` is told of all bytes that are kept, as they come and as they are inflated, and may throw.
 *
 * Errors: BODY_TOO_LARGE before and after inflating, CODING_UNKNOWN, BODY_MALFORMED for broken codings, BODY_ABORTED where
 * the sender hung up, `late` where the body has not arrived when `signal` aborts, BUDGET_SPENT where inflating takes longer
 * than that, and what `account` throws.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  signal: AbortSignal,
  late: ErrorCode,
  account: (bytes: number) => void = () => undefined,
): Buffer | Promise<Buffer> {
  if (!hasBody(request)) return NO_BODY;
  if (request.readableDidRead || request.readableEncoding !== null) {
    throw new TrackbridgeError(
      'INTERNAL',
      'the body was read before Trackbridge saw it; mount its middleware before any body parser',
    );
  }
  const coding = codingOf(request.headers['content-encoding']);
  refuseTooLarge(request, limit);
  const declared = declaredLength(request);
  const bytes = collect(request, {
    limit,
    signal,
    account,
    tooLarge: () => tooLarge(limit),
    late: () => lateBody(late),
    failed: readError,
  }).then((body) => {
    if (declared !== 0 && body.length !== declared) {
      throw new TrackbridgeError(
        'BODY_MALFORMED',
        'the body is not as long as its Content-Length says',
      );
    }
    return body;
  });
  if (coding === undefined) return bytes;
  return bytes.then((body) =>
    inflateBody(body, coding, limit, {
      signal,
      account,
      late: () => budgetSpent('inflating the body'),
    }),
  );
}

function tooLarge(limit: number): TrackbridgeError {
  return new TrackbridgeError('BODY_TOO_LARGE', `the body is larger than ${limit} bytes`);
}

function lateBody(code: ErrorCode): TrackbridgeError {
  return new TrackbridgeError(code, 'the body did not arrive within server.budget; send it again', {
    retryAfter: 1000,
  });
}

function readError(error: NodeJS.ErrnoException): TrackbridgeError {
  if (error.code === 'ECONNRESET' || error.code === 'CLOSED') {
    return new TrackbridgeError(
      'BODY_ABORTED',
      'the connection was lost before the body was whole',
    );
  }
  return new TrackbridgeError('INTERNAL', 'the body cannot be read here', { cause: error });
}
