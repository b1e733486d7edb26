import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimestamp, readTimestamp } from '../../../src/event/timestamp/timestamp.js';

const YEAR_0 = Date.parse('0000-01-01T00:00:00.000Z');
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z');

function canonical(text: string): string | undefined {
  const time = readTimestamp(text);
  return time === undefined ? undefined : formatTimestamp(time);
}

describe('readTimestamp', () => {
  it.each([
    ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02t03:04:05.5z', '2026-01-02T03:04:05.500Z'],
    ['2026-01-02 03:04:05.123456789Z', '2026-01-02T03:04:05.123Z'],
    ['2026-01-02T03:04:05.999999999Z', '2026-01-02T03:04:05.999Z'],
    ['2026-01-02T03:04:05,25Z', '2026-01-02T03:04:05.250Z'],
    ['2026-01-02T03:04Z', '2026-01-02T03:04:00.000Z'],
    ['2026-01-02T03:04:05+05:30', '2026-01-01T21:34:05.000Z'],
    ['2026-01-02T03:04:05.1-0800', '2026-01-02T11:04:05.100Z'],
    ['2026-01-02T03:04:05+02', '2026-01-02T01:04:05.000Z'],
    ['2026-01-02 03:04:05 +0000', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05-00:00', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02', '2026-01-02T00:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['0050-06-07T00:00:00Z', '0050-06-07T00:00:00.000Z'],
    ['1969-12-31T23:59:59.0019Z', '1969-12-31T23:59:59.001Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2017-01-01T05:29:60.5+05:30', '2017-01-01T00:00:00.500Z'],
    ['0000-01-01T00:00:00.000Z', '0000-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00.001Z', '0001-01-01T00:00:00.001Z'],
    ['2026-01-02T23:59:59+23:59', '2026-01-02T00:00:59.000Z'],
  ])('reads %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ['2020-05-09 23:54:49.209808489 +0000 UTC m=+70366.298768264', '2020-05-09T23:54:49.209Z'],
    ['2020-05-09 23:54:49 +0000 UTC', '2020-05-09T23:54:49.000Z'],
    ['2020-05-09 23:54:49.2 +0200 CEST', '2020-05-09T21:54:49.200Z'],
    ['2020-05-09 23:54:49.2 -0330 -0330', '2020-05-10T03:24:49.200Z'],
    ['2020-05-09 23:54:49 +0000 UTC m=-0.000012345', '2020-05-09T23:54:49.000Z'],
  ])("reads Go's time.String(): %s", (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    '0001-01-01T00:00:00Z',
    '0001-01-01T00:00:00.000Z',
    '0001-01-01 00:00:00 +0000 UTC',
    '0001-01-01T01:00:00+01:00',
  ])("takes Go's zero time for not set: %s", (text) => {
    expect(readTimestamp(text)).toBeUndefined();
  });

  it.each([
    '',
    'yesterday',
    '2026-02-30T00:00:00Z',
    '2023-02-29',
    '2026-00-10T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-02T03:60:00Z',
    '2026-01-02T03:04:61Z',
    '2026-01-02T03:04:60Z',
    '2026-01-02T03:04:05.Z',
    '2026-01-02T03:04:05ZZ',
    '2026-01-02T03:04:05Z ',
    '2026-01-02T03:04:05+24:00',
    '2026-01-02T03:04:05+05:60',
    '2026-01-02T03:04:05+053',
    '2026-01-02T',
    '2026-01-02X03:04:05Z',
    '+002026-01-02T03:04:05Z',
    ' 2026-01-02T03:04:05Z',
    '２０２６-01-02T03:04:05Z',
    '2020-05-09 23:54:49 +0000 UTC m=+70366',
    '2020-05-09 23:54:49 +0000 UTC and more',
    '0000-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59.999-00:01',
    '2026-01-02T24:00:00.001Z',
    '2026-01-02T24:01:00Z',
    '2026-01-02T25:00:00Z',
    `2026-01-02T03:04:05${' '.repeat(125)}+0000 and more`,
  ])('cannot read %j', (text) => {
    expect(readTimestamp(text)).toBeUndefined();
  });

  it('reads back every time that can be written', () => {
    fc.assert(
      fc.property(fc.integer({ min: YEAR_0, max: YEAR_9999 }), (time) => {
        fc.pre(time !== Date.parse('0001-01-01T00:00:00Z'));
        expect(readTimestamp(formatTimestamp(time))).toBe(time);
      }),
    );
  });

  it('knows the calendar: agrees with the platform on which days exist', () => {
    const two = (value: number): string => String(value).padStart(2, '0');
    fc.assert(
      fc.property(
        fc.integer({ min: 1800, max: 2400 }),
        fc.integer({ min: 0, max: 13 }),
        fc.integer({ min: 0, max: 32 }),
        fc.integer({ min: -23, max: 23 }),
        (year, month, day, offset) => {
          const date = `${year}-${two(month)}-${two(day)}`;
          const zone = `${offset < 0 ? '-' : '+'}${two(Math.abs(offset))}:00`;
          // The platform reads 31 February as 3 March, so it is asked for the date again.
          const exists = new Date(`${date}T00:00:00Z`).toJSON()?.startsWith(date) === true;
          const expected = exists ? Date.parse(`${date}T12:30:00.000${zone}`) : undefined;
          expect(readTimestamp(`${date}T12:30:00${zone}`)).toBe(expected);
        },
      ),
    );
  });

  it('takes any text without throwing, and what it reads can be written', () => {
    const almost = fc
      .tuple(
        fc.constantFrom('2026-01-02', '2026-01-02T03:04:05', '2020-05-09 23:54:49 +0000'),
        fc.string(),
      )
      .map(([start, rest]) => start + rest);
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => {
        const time = readTimestamp(text);
        if (time !== undefined) expect(formatTimestamp(time)).toHaveLength(24);
      }),
    );
  });
});
