import { STATUS_CODES } from 'node:http';
import { TrackbridgeError } from '../errors.js';

/** An error as it goes on the wire: application/problem+json, RFC 9457. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A 503 without a hint of its own: soon, since most of ours pass by themselves. Whole seconds, at least 1. */
const DEFAULT_RETRY_AFTER = 1000;

/** What a browser may do with an error: nothing. `default-src` does not stand for the three after it. */
const PROBLEM_POLICY =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The only place that turns an error into an answer. Errors that are not ours say nothing of themselves: their text may
 * hold a path or a payload, and they are answered 503, which both vendors retry, since a bug of ours must not lose events.
 */
export function problemOf(error: unknown): Problem {
  const known = knownError(error);
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    // For the browser that is led here: an error shows what was asked, and none of that is to run.
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

/** One of ours as it stands; anything else becomes one that says nothing of it, since its text may hold a payload. */
export function knownError(error: unknown): TrackbridgeError {
  if (error instanceof TrackbridgeError) return error;
  return new TrackbridgeError('INTERNAL', 'an unexpected error; the log of the receiver has it', {
    cause: error,
  });
}

/** Whole seconds, at least 1, where trying again makes sense. */
export function retryAfterOf({ status, retryAfter }: TrackbridgeError): number | undefined {
  if (status !== 503 && status !== 429) return undefined;
  return Math.max(1, Math.ceil((retryAfter ?? DEFAULT_RETRY_AFTER) / 1000));
}

/** The same as bytes for a socket without a response object: what Node's HTTP parser refused before Koa saw it. */
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
