import { timeOf, usable } from './calendar.js';
import { readOtherForm } from './forms.js';
import { readZone } from './zone.js';

export { usable };

/** Characters; more than any zone name needs, including all that follows it. */
const LONGEST_ZONE = 130;
const ZERO = 48;
const NINE = 57;

/**
 * Parses a point in time to milliseconds since the epoch; finer digits are truncated. Returns undefined for an unknown
 * form, a day that does not exist, a year outside 0 to 9999, and Go's zero time (0001-01-01T00:00:00Z), which means
 * "not set".
 *
 * Accepts RFC 3339 with `T`, `t` or a space and any fraction, offsets as `Z`, `+05:30`, `+0530` or `+05`, what Go's
 * time.String() prints (`2026-05-09 23:54:49.209808489 +0000 UTC m=+70366.298768264`), which Segment's delete events
 * contain, and everything that `readOtherForm` accepts. A time without an offset and a date alone are read as UTC, so
 * that nothing depends on the machine's time zone. A leap second is read as the second after it.
 */
export function readTimestamp(text: string): number | undefined {
  return readRfc3339(text) ?? readOtherForm(text);
}

/** Parses the form that nearly every sender writes, much faster than a regular expression. */
function readRfc3339(text: string): number | undefined {
  const separator = text[10];
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const isForm =
    text[4] === '-' &&
    text[7] === '-' &&
    (separator === 'T' || separator === 't' || separator === ' ') &&
    text[13] === ':' &&
    text[16] === ':';
  if (!isForm || hour < 0 || minute < 0 || second < 0) return undefined;
  let at = 19;
  let fraction = 0;
  if (text[at] === '.' || text[at] === ',') {
    const end = skipDigits(text, at + 1);
    if (end === at + 1) return undefined;
    fraction = Number(text.slice(at + 1, Math.min(end, at + 4)).padEnd(3, '0'));
    at = end;
  }
  const isUtc = at + 1 === text.length && (text[at] === 'Z' || text[at] === 'z');
  if (text.length - at > LONGEST_ZONE) return undefined;
  const offset = isUtc ? 0 : readZone(text.slice(at));
  if (offset === undefined) return undefined;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)];
  if (year < 0) return undefined;
  return timeOf({ year, month, day, hour, minute, second, fraction, offset });
}

/**
 * Formats a time as RFC 3339 with milliseconds, in UTC. `time` is milliseconds since the epoch within the years 0 to
 * 9999, as `readTimestamp` and `usable` return it.
 */
export function formatTimestamp(time: number): string {
  return new Date(time).toISOString();
}

/** Returns the number formed by `count` digits from `at` on, or -1 if one is not a digit. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const code = text.charCodeAt(index);
    if (!(code >= ZERO && code <= NINE)) return -1;
    value = value * 10 + code - ZERO;
  }
  return value;
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= NINE) at += 1;
  return at;
}
