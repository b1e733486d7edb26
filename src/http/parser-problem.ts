import { TrackbridgeError } from '../core/errors.js';

/** Node's code for a request whose head is not complete in time. */
export const HEAD_LATE = 'ERR_HTTP_REQUEST_TIMEOUT';

/** Whether an error of a connection comes from Node's HTTP parser, rather than from the connection or its TLS. */
export function isHttpFault({ code = '' }: NodeJS.ErrnoException): boolean {
  return code === HEAD_LATE || code.startsWith('HPE_');
}

/** Converts an error of Node's HTTP parser into an answer. */
export function parserProblem(
  { code }: NodeJS.ErrnoException,
  { queryLimit }: { readonly queryLimit: number },
  /** Whether this process was paused for part of the time. */
  wasStalled: boolean,
): TrackbridgeError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new TrackbridgeError(
      'HEAD_TOO_LARGE',
      `request line and headers are larger than server.queryLimit (${queryLimit} bytes)`,
    );
  }
  if (code === HEAD_LATE) return wasStalled ? stalled() : headLate();
  return new TrackbridgeError('REQUEST_MALFORMED', 'the request cannot be parsed as HTTP/1.1');
}

/** The error when incomplete heads take too much memory. */
export function headsTooMany(): TrackbridgeError {
  return new TrackbridgeError(
    'OVERLOADED',
    'too many requests with incomplete heads are in progress; retry later',
    { retryAfter: 2_000 },
  );
}

function headLate(): TrackbridgeError {
  return new TrackbridgeError('BODY_TIMEOUT', 'the request was not complete within server.budget');
}

/** The delay is not the sender's fault, and some senders drop the event on 408. */
function stalled(): TrackbridgeError {
  return new TrackbridgeError(
    'BUDGET_SPENT',
    'the receiver was paused for part of server.budget; retry the delivery',
    { retryAfter: 1_000 },
  );
}
