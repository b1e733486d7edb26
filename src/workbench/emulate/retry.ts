import type { Vendor } from '../../event/event.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The outcome of an attempt; `status` is undefined if there was no answer. */
export interface LastAttempt {
  readonly status: number | undefined;
  /** Attempts so far, including this one. */
  readonly attempts: number;
  /** Milliseconds since the first one. */
  readonly age: number;
}

/**
 * Returns the milliseconds until the vendor's retry; undefined if there is none because the delivery is done or
 * dropped.
 *
 * RudderStack (rudder-server, router/): 408, 429, 5xx and no answer; ten seconds, doubled up to five minutes; 5xx for
 * three hours and at least three attempts, 408 and 429 for thirty days. Segment publishes four hours of randomized
 * exponential backoff after 429, 5xx and no answer; one second at first and at most ten minutes are assumed. Neither is
 * known to read `Retry-After`.
 * @param random a number from 0 up to 1
 */
export function retryAfter(vendor: Vendor, last: LastAttempt, random: number): number | undefined {
  const { status, attempts, age } = last;
  if (vendor === 'segment') {
    const isTransient = status === undefined || status === 429 || status >= 500;
    if (!isTransient || age > 4 * HOUR) return undefined;
    return random * Math.min(10 * MINUTE, SECOND * 2 ** attempts);
  }
  const isUnlimited = status === 408 || status === 429;
  const isTransient = isUnlimited || status === undefined || status >= 500;
  const isOver = isUnlimited ? age > 720 * HOUR : age > 180 * MINUTE && attempts >= 3;
  if (!isTransient || isOver) return undefined;
  return Math.min(300 * SECOND, 10 * SECOND * 2 ** (attempts - 1));
}
