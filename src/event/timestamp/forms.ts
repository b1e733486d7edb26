import { dayAfter, type Moment, midnightOf, timeOf, usable } from './calendar.js';
import { readZone } from './zone.js';

type Day = Pick<Moment, 'year' | 'month' | 'day'>;

/** Maximum length. JavaScript's text with the longest zone name has 80 characters. */
const LONGEST = 128;

const MONTH =
  '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?';
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const ORDINAL = '(?:st|nd|rd|th)?';
const YEAR = "('?\\d{2}|\\d{4})(?![\\d:])";

const WEEKDAY =
  /^(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)(?:\.?, *| +)/i;

/** Forms of a day, each with the function that reads its groups. The day is at the start of the text. */
const DAYS: readonly (readonly [RegExp, (groups: readonly string[]) => Day | undefined])[] = [
  // 2016-12-31, 2016/12/31, 2016:12:31, 2016.12.31
  [/^(\d{4})([-/:.])(\d{1,2})\2(\d{1,2})(?!\d)/, ([, y, , m, d]) => dayOf(y, m, d)],
  // 2016年12月31日
  [/^(\d{4})年(\d{1,2})月(\d{1,2})日/, ([, y, m, d]) => dayOf(y, m, d)],
  // 2016-Dec-31
  [new RegExp(`^(\\d{4})-${MONTH}-(\\d{1,2})(?!\\d)`, 'i'), ([, y, m, d]) => namedDay(y, m, d)],
  // 12/31/2016: month first, only if unambiguous
  [/^(\d{1,2})([/:.])(\d{1,2})\2(\d{4}|\d{2})(?![\d:])/, ([, m, , d, y]) => american(y, m, d)],
  // 31 Dec 2016, 31-Dec-16, 31/Dec/2016
  [
    new RegExp(
      `^(\\d{1,2})${ORDINAL}[-/ ] *${MONTH}[-/, ] *${YEAR.replace('(?![\\d:])', '(?!\\d)')}`,
      'i',
    ),
    ([, d, m, y]) => namedDay(y, m, d),
  ],
  // December 31, 2016; Dec 31st 2016; dec. 31, '16
  [
    new RegExp(`^${MONTH} +(\\d{1,2})${ORDINAL},? +${YEAR}`, 'i'),
    ([, m, d, y]) => namedDay(y, m, d),
  ],
  // 20161231, as ISO 8601's basic form
  [/^(\d{4})(\d{2})(\d{2})(?=T|$)/i, ([, y, m, d]) => dayOf(y, m, d)],
  // 2016-W52-6, 2016-366
  [/^(\d{4})-?W(\d{2})(?:-?([1-7]))?(?!\d)/, ([, y, w, d]) => dayOfWeek(y, w, d)],
  [/^(\d{4})-(\d{3})(?!\d)/, ([, y, d]) => dayOfYear(y, d)],
  // 161231 23:59:59, as MySQL logs it
  [/^(\d{2})(\d{2})(\d{2})(?= \d{1,2}:)/, ([, y, m, d]) => dayOf(fullYear(y), m, d)],
];

/** Forms of a whole text: months, years, and plain digits, whose count decides their meaning. */
const WHOLE: readonly (readonly [RegExp, (groups: readonly string[]) => number | undefined])[] = [
  [/^(\d{4})(?:[-./](\d{1,2}))?$/, ([, year, month = '1']) => timeOf(dayOf(year, month, '1'))],
  [/^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/, ([, ...parts]) => compact(parts.map(Number))],
  [/^\d{10}$/, ([seconds]) => usable(Number(seconds) * 1000)],
  [/^\d{13}$/, ([milliseconds]) => usable(Number(milliseconds))],
  // The last digits are finer than a millisecond, and a double could not hold them.
  [/^(\d{13})\d{3}(?:\d{3})?$/, ([, milliseconds]) => usable(Number(milliseconds))],
];

/** Separators between a day and its time of day; web servers' logs use the colon. */
const JOIN = /^(?:T|,? +at +|, *| +|:(?=\d{2}:\d{2}:))/i;
const TIME =
  /^(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,:](\d{1,20}))?)?)?(?: ?([ap])\.?m\.?(?![a-z]))?/i;
const BASIC_TIME = /^(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d{1,20}))?)?(?!\d)/;

/** `Dec 31 23:59:59 UTC 2016`: the year comes last. */
const YEAR_LAST = new RegExp(`^${MONTH} +(\\d{1,2}) +(\\d{1,2}:\\S+)((?: +\\S+)?) +(\\d{4})$`, 'i');

/**
 * Parses a point in time in the forms that RudderStack's parser accepts besides RFC 3339 (RFC 2822, the text forms of
 * JavaScript, Go and Unix, names of months, epochs as text, and more), and in the other forms of ISO 8601. Returns
 * undefined for any other text, for days and times that do not exist, and for ambiguous texts: `04/08/2014`, and zones
 * like `IST`.
 */
export function readOtherForm(text: string): number | undefined {
  if (text.length > LONGEST) return undefined;
  // JavaScript writes such spaces before AM and PM.
  const plain = text.replace(/[\u00a0\u202f]/g, ' ');
  for (const [pattern, read] of WHOLE) {
    const groups = pattern.exec(plain);
    if (groups !== null) return read(groups);
  }
  const undated = plain.replace(WEEKDAY, '');
  const [, month, day, time, zone = '', year] = YEAR_LAST.exec(undated) ?? [];
  if (time !== undefined) return momentOf(namedDay(year, month, day), `${time}${zone}`);
  for (const [pattern, read] of DAYS) {
    const groups = pattern.exec(undated);
    if (groups !== null) return afterDay(read(groups), undated.slice(groups[0].length));
  }
  return undefined;
}

function afterDay(day: Day | undefined, rest: string): number | undefined {
  if (day === undefined) return undefined;
  const [join] = JOIN.exec(rest) ?? [];
  if (join !== undefined && /^\d/.test(rest.slice(join.length))) {
    return momentOf(day, rest.slice(join.length));
  }
  // `2020-07-20+08:00`
  const offset = readZone(rest);
  return offset === undefined ? undefined : timeOf({ ...day, offset });
}

/** Combines a day with the time of day and the zone after it. */
function momentOf(day: Day | undefined, text: string): number | undefined {
  const basic = BASIC_TIME.exec(text);
  const [matched, hours = '', minutes, seconds = '0', fraction = '', half] =
    basic ?? TIME.exec(text) ?? [];
  if (day === undefined || matched === undefined) return undefined;
  // An hour alone is accepted only in the form `10am`.
  if (minutes === undefined && half === undefined) return undefined;
  const hour = hourOf(Number(hours), half?.toLowerCase());
  const offset = readZone(text.slice(matched.length));
  if (hour === undefined || offset === undefined) return undefined;
  return timeOf({
    ...day,
    hour,
    minute: Number(minutes ?? 0),
    second: Number(seconds),
    fraction: Number(fraction.slice(0, 3).padEnd(3, '0')),
    offset,
  });
}

/** Converts an hour of the 12-hour clock. */
function hourOf(hour: number, half: string | undefined): number | undefined {
  if (half === undefined) return hour;
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half === 'p' ? 12 : 0);
}

function compact([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: number[]) {
  return timeOf({ year, month, day, hour, minute, second });
}

function dayOf(year = '', month = '', day = ''): Day {
  return { year: Number(year), month: Number(month), day: Number(day) };
}

function namedDay(year: string | undefined, month = '', day = ''): Day {
  const number = MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1;
  return { year: Number(fullYear(year)), month: number, day: Number(day) };
}

/** RudderStack reads the month first. Undefined if the first number could also be the day, or is not a month. */
function american(year: string | undefined, month = '', day = ''): Day | undefined {
  const isClear = Number(day) > 12 || Number(day) === Number(month);
  return isClear ? dayOf(fullYear(year), month, day) : undefined;
}

/** Two digits mean a year from 1969 to 2068, as in Go. */
function fullYear(year = ''): string {
  const digits = year.replace("'", '');
  if (digits.length !== 2) return digits;
  return Number(digits) < 69 ? `20${digits}` : `19${digits}`;
}

/** ISO 8601 weeks begin on Monday; the first week contains the year's first Thursday. */
function dayOfWeek(year = '', week = '', weekday = '1'): Day | undefined {
  const fourth = midnightOf(Number(year), 1, 4);
  if (fourth === undefined || Number(week) < 1 || Number(week) > 53) return undefined;
  const monday = -((new Date(fourth).getUTCDay() + 6) % 7);
  return dayAfter(fourth, monday + (Number(week) - 1) * 7 + Number(weekday) - 1);
}

function dayOfYear(year = '', day = ''): Day | undefined {
  const first = midnightOf(Number(year), 1, 1);
  if (first === undefined) return undefined;
  const found = dayAfter(first, Number(day) - 1);
  return found.year === Number(year) ? found : undefined;
}
