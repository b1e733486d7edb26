import { answered, retryAfterIn } from './http-answer.js';
import type { HttpAnswer } from './http-client.js';
import type { SinkError } from './sink.js';

/** What was sent, and what an operator can do where it was refused. */
export interface Refusable {
  readonly who: string;
  /** For 401 and 403. */
  readonly credentials: string;
  /** For 404 and redirects. */
  readonly place: string;
}

const LONGEST_RESET = 24 * 60 * 60;

/**
 * What an answer of a vendor's API means; undefined for 2xx. Only 400, 413 and 422 are about the events and permanent.
 * Any other refusal is about the setup on either side (a write key that was revoked, a source that was switched off, a
 * wrong endpoint) or passes: were it permanent, one mistake would turn a whole backlog into dead letters. `now`:
 * milliseconds since the epoch.
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

/** Segment's `X-RateLimit-Reset` is in seconds from now, in milliseconds here. */
function resetOf(value: string | string[] | undefined): number | undefined {
  const text = String(value ?? '').trim();
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text), LONGEST_RESET) * 1000 : undefined;
}
