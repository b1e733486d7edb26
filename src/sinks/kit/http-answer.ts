import { STATUS_CODES } from 'node:http';
import { printable } from '../../core/printable.js';
import { SinkError } from '../sink.js';

const LONGEST_RETRY_AFTER = 24 * 60 * 60 * 1000;
const LONGEST_EXCERPT = 200;

// The three date forms that RFC 9110 section 5.6.7 requires recipients to accept. `Date.parse` alone reads `5.5` as a
// day in May.
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d/;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a status means for the events of a request. */
export type StatusKind = 'success' | 'transient' | 'permanent';

/** 2xx is a success; 408, 429 and 5xx are transient; all others are permanent. */
export function statusKind(status: number): StatusKind {
  if (status >= 200 && status < 300) return 'success';
  if (status === 408 || status === 429) return 'transient';
  return status >= 500 && status < 600 ? 'transient' : 'permanent';
}

/**
 * Interprets an answer: undefined for a success; a retryable error for a transient failure, with the wait of
 * `Retry-After` if readable; a permanent error otherwise. `excerpt` is the beginning of the answer's body. `now` is this
 * machine's time, for servers that do not send theirs.
 */
export function httpFailure(
  status: number,
  headers: Headers,
  excerpt: string,
  now: number,
  kind = statusKind(status),
): SinkError | undefined {
  if (kind === 'success') return undefined;
  const retryable = kind === 'transient';
  const after = retryable ? retryAfterIn(headers, now) : undefined;
  return answered(status, excerpt, { retryable, retryAfter: after });
}

/** Returns the error for an answer of this status, with the status in words and the beginning of the body. */
export function answered(
  status: number,
  excerpt: string,
  how: {
    readonly retryable: boolean;
    readonly retryAfter: number | undefined;
    /** The server that answered; omitted if the operator knows it. */
    readonly who?: string;
    /** What to do about it. */
    readonly advice?: string | undefined;
  },
): SinkError {
  const said = printable(excerpt.trim(), LONGEST_EXCERPT);
  const who = how.who === undefined ? '' : `${how.who} `;
  const title = STATUS_CODES[status] === undefined ? '' : ` ${STATUS_CODES[status]}`;
  const redirect = status >= 300 && status < 400 ? ' (redirects are not followed)' : '';
  const advice = how.advice === undefined ? '' : `: ${how.advice}`;
  return new SinkError(`${who}answered ${status}${title}${redirect}${advice}`, {
    retryable: how.retryable,
    ...(said !== '' && { farSide: said }),
    ...(how.retryAfter !== undefined && { retryAfter: how.retryAfter }),
  });
}

/**
 * Returns `Retry-After` of an answer in milliseconds from now; undefined if it is missing or unreadable.
 *
 * A date in `Retry-After` is on the server's clock, and so is `Date`. Their difference is the wait, however wrong
 * either clock is. By our clock, an hour of error would add an hour to the wait.
 */
export function retryAfterIn(headers: Headers, now: number): number | undefined {
  const theirs = lineOf(headers['date']);
  const sent = HTTP_DATE.test(theirs) ? Date.parse(theirs) : Number.NaN;
  return retryAfterOf(lineOf(headers['retry-after']), Number.isNaN(sent) ? now : sent);
}

function lineOf(value: string | string[] | undefined): string {
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

/**
 * Returns `Retry-After` in milliseconds from now, at most a day; undefined if it is neither whole seconds nor a date.
 */
export function retryAfterOf(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : HTTP_DATE.test(text)
      ? Date.parse(text) - now
      : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER);
}
