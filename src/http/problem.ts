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

/**
 * The only place that turns an error into an answer. Errors that are not ours say nothing of themselves: their text may
 * hold a path or a payload, and they are answered 503, which both vendors retry, since a bug of ours must not lose events.
 */
export function problemOf(error: unknown): Problem {
  const known =
    error instanceof TrackbridgeError
      ? error
      : new TrackbridgeError('INTERNAL', 'an unexpected error; the log of the receiver has it', {
          cause: error,
        });
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    ...known.headers,
  };
  if (known.status === 503 || known.status === 429) {
    const wait = Math.max(1, Math.ceil((known.retryAfter ?? DEFAULT_RETRY_AFTER) / 1000));
    headers['retry-after'] = String(wait);
  }
  const body = JSON.stringify({
    type: `urn:trackbridge:${known.code.toLowerCase().replaceAll('_', '-')}`,
    title: known.title,
    status: known.status,
    detail: known.message,
    ...(known.errors === undefined ? {} : { errors: known.errors }),
  });
  return { status: known.status, headers, body };
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
