const DAY = 86_400_000;
const DAYS_OF_400_YEARS = 146_097;
// What four digits of year can say: 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
const EARLIEST = -62_167_219_200_000;
const LATEST = 253_402_300_799_999;
// Go's zero time.Time, which Segment's own services send for "not set".
const GO_ZERO = -62_135_596_800_000;

const ZERO = 48;
const NINE = 57;

/**
 * Reads a point in time, in milliseconds since the epoch; finer digits are cut off. Undefined where the text is no such
 * point: another form, a day that the calendar lacks, a year outside 0 to 9999, or Go's zero time (0001-01-01T00:00:00Z),
 * which means "not set".
 *
 * Reads RFC 3339 with `T`, `t` or a space and any fraction, offsets as `Z`, `+05:30`, `+0530` or `+05`, and what Go's
 * time.String() prints (`2026-05-09 23:54:49.209808489 +0000 UTC m=+70366.298768264`), which Segment's delete events
 * hold. Without an offset, or as a date alone, it is UTC, as nothing here may depend on where the machine stands.
 * A leap second is read as the second after it.
 */
export function readTimestamp(text: string): number | undefined {
  const date = readDate(text);
  if (date === undefined) return undefined;
  if (text.length === 10) return usable(date);

  const separator = text[10];
  if (separator !== 'T' && separator !== 't' && separator !== ' ') return undefined;
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || text[13] !== ':') return undefined;

  let at = 16;
  let second = 0;
  let fraction = 0;
  if (text[at] === ':') {
    second = digits(text, 17, 2);
    if (second < 0 || second > 60) return undefined;
    at = 19;
    if (text[at] === '.' || text[at] === ',') {
      const end = skipDigits(text, at + 1);
      if (end === at + 1) return undefined;
      fraction = Number(text.slice(at + 1, Math.min(end, at + 4)).padEnd(3, '0'));
      at = end;
    }
  }

  const zone = readZone(text, at);
  if (zone === undefined) return undefined;
  const time = date + ((hour * 60 + minute - zone) * 60 + second) * 1000 + fraction;
  // Leap seconds are only ever inserted as the last of a day in UTC.
  if (second === 60 && mod(time - fraction, DAY) !== 0) return undefined;
  return usable(time);
}

/**
 * RFC 3339 with milliseconds, in UTC. `time` is milliseconds since the epoch within the years 0 to 9999, which all that
 * `readTimestamp` and `usable` return is.
 */
export function formatTimestamp(time: number): string {
  return new Date(time).toISOString();
}

/** The time itself, or undefined where it cannot be written with four digits of year or means "not set". */
export function usable(time: number): number | undefined {
  return time >= EARLIEST && time <= LATEST && time !== GO_ZERO ? time : undefined;
}

/** Midnight UTC of the `YYYY-MM-DD` that the text begins with. */
function readDate(text: string): number | undefined {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  if (year < 0 || month < 1 || day < 1 || text[4] !== '-' || text[7] !== '-') return undefined;
  if (month > 12 || day > daysOf(year, month)) return undefined;
  // Date.UTC would take the years 0 to 99 for 1900 to 1999; the calendar is the same again after 400 years.
  return Date.UTC(year + 400, month - 1, day) - DAYS_OF_400_YEARS * DAY;
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The offset in minutes of what follows the time of day, up to the end of the text. */
function readZone(text: string, start: number): number | undefined {
  if (start === text.length) return 0;
  let at = start;
  if (text[at] === ' ') at += 1;
  if ((text[at] === 'Z' || text[at] === 'z') && at + 1 === text.length) return 0;

  const sign = text[at] === '+' ? 1 : text[at] === '-' ? -1 : 0;
  const hours = digits(text, at + 1, 2);
  if (sign === 0 || hours < 0 || hours > 23) return undefined;
  at += 3;
  let minutes = 0;
  if (at < text.length && text[at] !== ' ') {
    if (text[at] === ':') at += 1;
    minutes = digits(text, at, 2);
    if (minutes < 0 || minutes > 59) return undefined;
    at += 2;
  }
  return isGoSuffix(text, at) ? sign * (hours * 60 + minutes) : undefined;
}

// After the offset Go prints the zone's name (or its offset again) and, of a time it measured itself, the monotonic clock.
const GO_SUFFIX = /^(?: [A-Za-z0-9+-]{1,10})?(?: m=[+-][0-9]{1,20}\.[0-9]{1,9})?$/;

function isGoSuffix(text: string, at: number): boolean {
  return at === text.length || (text.length - at <= 48 && GO_SUFFIX.test(text.slice(at)));
}

/** The number that `count` digits from `at` on make; -1 where one of them is none. */
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

function mod(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
