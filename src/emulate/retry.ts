import type { Vendor } from '../event/event.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How an attempt ended; `status` is undefined where there was no answer. */
export interface Outcome {
  readonly status: number | undefined;
  /** Attempts so far, this one included. */
  readonly attempts: number;
  /** Milliseconds since the first one. */
  readonly age: number;
}

/**
 * How many milliseconds later the vendor tries again; undefined where it does not: the delivery is done, or dropped.
 *
 * RudderStack (rudder-server, router/): 408, 429, 5xx and no answer; ten seconds, doubled up to five minutes; 5xx for three
 * hours and at least three attempts, 408 and 429 for thirty days. Segment publishes four hours of randomised exponential
 * waiting after 429, 5xx and no answer; one second at first and at most ten minutes are assumed. Neither is known to read
 * `Retry-After`.
 *
 * @param random a number from 0 up to 1
 */
export function retryAfter(vendor: Vendor, outcome: Outcome, random: number): number | undefined {
  const { status, attempts, age } = outcome;
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
