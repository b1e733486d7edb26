import type { IncomingMessage } from 'node:http';
import { type ErrorCode, TrackbridgeError } from '../core/errors.js';
import { budgetSpent } from '../http/deadline.js';
import { codingOf, type InflateOptions, inflateBody } from './inflate.js';
import { readStream } from './read-stream.js';
import { LARGE, READ_AT_ONCE } from './turns.js';

const NO_BODY = Buffer.alloc(0);

/** How the request frames its body. With neither header there is no body, and nothing to wait for. */
function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return (
    request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
  );
}

/** Returns the body length that the request declares, in bytes; 0 if it declares none. */
export function declaredLength(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}

/** Throws BODY_TOO_LARGE if the request declares a body of more than `limit` bytes. */
export function rejectTooLarge(request: IncomingMessage, limit: number): void {
  if (declaredLength(request) > limit) throw tooLarge(limit);
}

export interface BodyOptions {
  /** Bytes, before and after decompression. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Returns the error code for a body that has not arrived when `signal` aborts. Called at that moment. */
  readonly late: () => ErrorCode;
  /** Called with the size of all bytes that are kept, as they arrive and as they are decompressed. May throw. */
  readonly account: (bytes: number) => void;
  readonly takeTurn: InflateOptions['takeTurn'];
  /** Waits until a large body may be read further. */
  readonly nextRead: () => Promise<void>;
}

/**
 * Returns whether a body is large or may become large: the size of a chunked or compressed body is not known in
 * advance.
 */
export function mayBeLarge(request: IncomingMessage): boolean {
  const { headers } = request;
  const isOpen =
    headers['transfer-encoding'] !== undefined || headers['content-encoding'] !== undefined;
  return isOpen || declaredLength(request) > LARGE;
}

/**
 * Returns the request's body as bytes with its content coding removed: exactly the bytes that the sender signed.
 *
 * Does not use koa-body, which returns decoded text: it strips a byte order mark and replaces invalid bytes, so a
 * signature over them fails.
 *
 * Errors: BODY_TOO_LARGE before and after decompression, CODING_UNKNOWN, BODY_MALFORMED for corrupt compressed data,
 * BODY_ABORTED if the sender disconnected, `late` if the body has not arrived when `signal` aborts, BUDGET_SPENT if
 * decompression takes longer than that, and whatever `account` throws.
 */
export function readBody(request: IncomingMessage, options: BodyOptions): Buffer | Promise<Buffer> {
  if (!hasBody(request)) return NO_BODY;
  if (request.readableDidRead || request.readableEncoding !== null) {
    throw new TrackbridgeError(
      'INTERNAL',
      'a body parser has already read the body; mount the Trackbridge middleware before it',
    );
  }
  const { limit, signal, late, account, takeTurn, nextRead } = options;
  const coding = codingOf(request.headers['content-encoding']);
  rejectTooLarge(request, limit);
  const declared = declaredLength(request);
  let isHeldUp = false;
  const until = async (): Promise<void> => {
    isHeldUp = true;
    await nextRead();
    isHeldUp = false;
  };
  const bytes = readStream(request, {
    limit,
    signal,
    account,
    tooLarge: () => tooLarge(limit),
    // The sender is not responsible for a body that waits for its turn to be read.
    late: () => lateBody(isHeldUp ? 'BUDGET_SPENT' : late()),
    failed: readError,
    pause: { beyond: LARGE, every: READ_AT_ONCE, until },
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
      takeTurn,
      late: () => budgetSpent('inflating the body'),
    }),
  );
}

function tooLarge(limit: number): TrackbridgeError {
  return new TrackbridgeError('BODY_TOO_LARGE', `the body is larger than ${limit} bytes`);
}

function lateBody(code: ErrorCode): TrackbridgeError {
  return new TrackbridgeError(
    code,
    'the body did not arrive within server.budget; retry the delivery',
    {
      retryAfter: 1000,
    },
  );
}

function readError(error: NodeJS.ErrnoException): TrackbridgeError {
  if (error.code === 'ECONNRESET' || error.code === 'CLOSED') {
    return new TrackbridgeError(
      'BODY_ABORTED',
      'the connection was lost before the body was complete',
    );
  }
  return new TrackbridgeError('INTERNAL', 'the body cannot be read here', { cause: error });
}
