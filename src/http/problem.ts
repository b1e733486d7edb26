import { STATUS_CODES } from 'node:http';
import { TrackbridgeError } from '../core/errors.js';

/** An error as sent to the client: application/problem+json, RFC 9457. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Milliseconds until a retry after a 503 without its own hint. It is short because most such faults pass by themselves.
 */
const DEFAULT_RETRY_AFTER = 1000;

/** Forbids a browser everything with an error page. `default-src` does not cover the three directives after it. */
const PROBLEM_POLICY =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The only place that turns an error into an answer. The text of an unknown error is withheld, because it may hold a
 * path or a payload. Its status is 503, which both vendors retry: a bug of ours must not lose events.
 */
export function problemOf(error: unknown): Problem {
  const known = knownError(error);
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    // An error may quote the request. If a browser is led here, nothing of it must run.
    'x-content-type-options': 'nosniff',
    'content-security-policy': PROBLEM_POLICY,
    ...known.headers,
  };
  const wait = retryAfterOf(known);
  if (wait !== undefined) headers['retry-after'] = String(wait);
  const body = JSON.stringify({
    type: `urn:trackbridge:${known.code.toLowerCase().replaceAll('_', '-')}`,
    title: known.title,
    status: known.status,
    detail: known.message,
    ...(known.errors === undefined ? {} : { errors: known.errors }),
  });
  return { status: known.status, headers, body };
}

/** Returns our own errors unchanged. Any other error becomes one without its text, which may hold a payload. */
export function knownError(error: unknown): TrackbridgeError {
  if (error instanceof TrackbridgeError) return error;
  return new TrackbridgeError(
    'INTERNAL',
    'an unexpected error occurred; see the log of the receiver',
    {
      cause: error,
    },
  );
}

/** Whole seconds until a retry, at least 1; undefined if a retry cannot succeed. */
export function retryAfterOf({ status, retryAfter }: TrackbridgeError): number | undefined {
  if (status !== 503 && status !== 429) return undefined;
  return Math.max(1, Math.ceil((retryAfter ?? DEFAULT_RETRY_AFTER) / 1000));
}

/** The same answer as raw HTTP, for a request that Node's HTTP parser rejected before there was a response object. */
export function rawProblem(error: TrackbridgeError, requestId: string): string {
  const { status, headers, body } = problemOf(error);
  const lines = Object.entries({ ...headers, 'x-request-id': requestId }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n${lines.join('')}` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  );
}
