import { STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock.js';
import { printable } from './printable.js';
import { SinkError } from './sink.js';

const LONGEST_RETRY_AFTER = 24 * 60 * 60 * 1000;
// Enough to keep the connection after any sensible answer; whoever sends more, or sends it slowly, loses the connection.
const LONGEST_BODY = 64 * 1024;
const SLOWEST_BODY = 2_000;
const LONGEST_EXCERPT = 200;

// The three forms that RFC 9110 section 5.6.7 has recipients accept. `Date.parse` alone takes `5.5` for a day in May.
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d/;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * What a status means: undefined for 2xx; for 408, 429 and 5xx an error that asks for a retry, after `Retry-After` where
 * that can be read; for all others a permanent one. `excerpt`: the beginning of the answer's body. `now`: our own time,
 * for a far side that does not tell its own.
 */
export function failureOf(
  status: number,
  headers: Headers,
  excerpt: string,
  now: number,
): SinkError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const retryable = status === 408 || status === 429 || (status >= 500 && status < 600);
  const after = retryable ? retryAfterIn(headers, now) : undefined;
  return answered(status, excerpt, { retryable, retryAfter: after });
}

/** The error that an answer of this status makes, with the status in words and the beginning of what was said. */
export function answered(
  status: number,
  excerpt: string,
  how: {
    readonly retryable: boolean;
    readonly retryAfter: number | undefined;
    /** Who answered; left out where the operator knows. */
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
    ...(said !== '' && { excerpt: said }),
    ...(how.retryAfter !== undefined && { retryAfter: how.retryAfter }),
  });
}

/**
 * `Retry-After` of an answer in milliseconds from now; undefined where there is none to read.
 *
 * A date in `Retry-After` is on the far side's clock, and so is `Date`: their difference is the wait, however wrong either
 * clock is. By our own, an hour that it is set back would be an hour's wait more.
 */
export function retryAfterIn(headers: Headers, now: number): number | undefined {
  const theirs = lineOf(headers['date']);
  const sent = HTTP_DATE.test(theirs) ? Date.parse(theirs) : Number.NaN;
  return retryAfterOf(lineOf(headers['retry-after']), Number.isNaN(sent) ? now : sent);
}

function lineOf(value: string | string[] | undefined): string {
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

/** `Retry-After` in milliseconds from now, at most a day; undefined where it is neither whole seconds nor a date. */
export function retryAfterOf(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : HTTP_DATE.test(text)
      ? Date.parse(text) - now
      : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER);
}

/**
 * Reads an answer's body to its end, so that its connection can be used again, and resolves to its first 64 kB as text.
 * A body that is longer, breaks off, or takes over two seconds is let go of together with the connection: the status has
 * already said all that matters.
 */
export async function readBody(body: Readable, clock: Clock): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const ended = new AbortController();
  void clock.sleep(SLOWEST_BODY, ended.signal).then(() => body.destroy());
  try {
    // Leaving the loop early destroys the stream, and with it the connection.
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > LONGEST_BODY) break;
    }
  } catch {
    // Broken off, aborted or too slow: what came so far has to do.
  } finally {
    ended.abort();
  }
  return Buffer.concat(chunks).subarray(0, LONGEST_BODY).toString();
}
