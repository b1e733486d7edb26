import { answered, retryAfterIn } from '../kit/http-answer.js';
import type { HttpAnswer } from '../kit/http-client.js';
import type { SinkError } from '../sink.js';

/** The request, and what an operator can do if it is rejected. */
export interface Refusable {
  readonly who: string;
  /** For 401 and 403. */
  readonly credentials: string;
  /** For 404 and redirects. */
  readonly place: string;
}

const LONGEST_RESET = 24 * 60 * 60;

/**
 * Interprets an answer of a vendor's API; undefined for 2xx. Only 400, 413 and 422 are about the events and permanent.
 * Any other error is about the setup on either side (a revoked write key, a disabled source, a wrong endpoint) or
 * transient: if it were permanent, one mistake would turn a whole backlog into dead letters. `now`: milliseconds since
 * the epoch.
 */
export function vendorFailure(
  answer: HttpAnswer,
  about: Refusable,
  now: number,
): SinkError | undefined {
  const { excerpt, headers, status } = answer;
  if (status >= 200 && status < 300) return undefined;
  const retryable = ![400, 413, 422].includes(status);
  const retryAfter = retryable
    ? (retryAfterIn(headers, now) ?? resetOf(headers['x-ratelimit-reset']))
    : undefined;
  return answered(status, excerpt, {
    retryable,
    retryAfter,
    who: about.who,
    advice: adviceFor(status, about),
  });
}

function adviceFor(status: number, { credentials, place }: Refusable): string | undefined {
  if (status === 401 || status === 403) return credentials;
  return status === 404 || (status >= 300 && status < 400) ? place : undefined;
}

/** Converts Segment's `X-RateLimit-Reset`, seconds from now, to milliseconds. */
function resetOf(value: string | string[] | undefined): number | undefined {
  const text = String(value ?? '').trim();
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text), LONGEST_RESET) * 1000 : undefined;
}
