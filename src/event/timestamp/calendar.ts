const DAY = 86_400_000;
const DAYS_OF_400_YEARS = 146_097;
// The range of four-digit years: 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
const EARLIEST = -62_167_219_200_000;
const LATEST = 253_402_300_799_999;
// Go's zero time.Time, which Segment's own services send for "not set".
const GO_ZERO = -62_135_596_800_000;

/** A point in time in calendar and clock fields. */
export interface Moment {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour?: number;
  readonly minute?: number;
  readonly second?: number;
  /** Milliseconds. */
  readonly fraction?: number;
  /** Minutes ahead of UTC. */
  readonly offset?: number;
}

/**
 * Returns milliseconds since the epoch; undefined for a date or time that does not exist, and for one that `usable`
 * rejects. A leap second is read as the second after it, 24:00 as the midnight that ends its day.
 */
export function timeOf(moment: Moment): number | undefined {
  const { year, month, day, hour = 0, minute = 0, second = 0, fraction = 0, offset = 0 } = moment;
  const date = midnightOf(year, month, day);
  if (date === undefined || minute > 59 || second > 60) return undefined;
  if (hour > 23 && (hour > 24 || minute + second + fraction > 0)) return undefined;
  const time = date + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction;
  // A leap second is always the last second of a day in UTC.
  if (second === 60 && mod(time - fraction, DAY) !== 0) return undefined;
  return usable(time);
}

/** Returns the time, or undefined if its year does not have four digits or it means "not set". */
export function usable(time: number): number | undefined {
  return time >= EARLIEST && time <= LATEST && time !== GO_ZERO ? time : undefined;
}

/** Returns midnight UTC of a day; undefined if the day does not exist. */
export function midnightOf(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return undefined;
  // Date.UTC reads the years 0 to 99 as 1900 to 1999. The calendar repeats every 400 years, so a later year is used
  // instead.
  return Date.UTC(year + 400, month - 1, day) - DAYS_OF_400_YEARS * DAY;
}

/** Returns the year, month and day that are `days` after a midnight. */
export function dayAfter(midnight: number, days: number): Pick<Moment, 'year' | 'month' | 'day'> {
  const date = new Date(midnight + days * DAY);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function mod(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
