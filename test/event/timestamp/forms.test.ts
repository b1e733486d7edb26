import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimestamp, readTimestamp } from '../../../src/event/timestamp/timestamp.js';

function canonical(text: string): string | undefined {
  const time = readTimestamp(text);
  return time === undefined ? undefined : formatTimestamp(time);
}

/** What each of these texts says, in all the ways that RudderStack's parser reads (araddon/dateparse). */
describe('a timestamp in another form', () => {
  it.each([
    ['Mon, 18 Jul 2016 14:23:11 GMT', '2016-07-18T14:23:11.000Z'],
    ['Mon, 18 Jul 2016 14:23:11 +0200', '2016-07-18T12:23:11.000Z'],
    ['Mon, 18 Jul 2016 14:23:11 EDT', '2016-07-18T18:23:11.000Z'],
    ['Mon, 18 Jul 2016 14:23:11 PST', '2016-07-18T22:23:11.000Z'],
    ['18 Jul 2016 14:23 UT', '2016-07-18T14:23:00.000Z'],
    ['Tue, 11 Jul 2017 16:28:13 +0200 (CEST)', '2017-07-11T14:28:13.000Z'],
    ['Sun, 3 Jan 2021 00:12:23 +0800 (GMT+08:00)', '2021-01-02T16:12:23.000Z'],
    ['Monday, 02-Jan-06 15:04:05 GMT', '2006-01-02T15:04:05.000Z'],
    ['Fri, 03-Jul 2015 08:08:08 UTC', '2015-07-03T08:08:08.000Z'],
    ['Wednesday, 2 Feb 2018 09:1:00 -0300', '2018-02-02T12:01:00.000Z'],
    ['02 Jan 06 15:04 -0700', '2006-01-02T22:04:00.000Z'],
  ])('of mails and the web is read: %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ['Mon Jul 18 2016 14:23:11 GMT+0200 (CEST)', '2016-07-18T12:23:11.000Z'],
    ['Fri Jul 03 2015 18:04:07 GMT+0100 (GMT Daylight Time)', '2015-07-03T17:04:07.000Z'],
    [
      'Mon Jul 18 2016 14:23:11 GMT+0200 (Mitteleuropäische Sommerzeit)',
      '2016-07-18T12:23:11.000Z',
    ],
    ['Mon Jul 18 2016', '2016-07-18T00:00:00.000Z'],
    ['12/31/2016, 11:59:59 PM', '2016-12-31T23:59:59.000Z'],
    ['12/31/2016, 11:59:59\u202fPM', '2016-12-31T23:59:59.000Z'],
    ['2016-12-31 23:59:59.123456 UTC', '2016-12-31T23:59:59.123Z'],
    ['2016-12-31 23:59:59.123456789 +0000 UTC m=+0.000000001', '2016-12-31T23:59:59.123Z'],
    ['2015-02-08 03:02:00 +0300 MSK', '2015-02-08T00:02:00.000Z'],
    ['2014-04-26 13:13:43 +0800 +08', '2014-04-26T05:13:43.000Z'],
    ['2012-08-03 13:31:51.123 -08:00 PST', '2012-08-03T21:31:51.123Z'],
    ['Sat Dec 31 23:59:59 2016', '2016-12-31T23:59:59.000Z'],
    ['Tue Jan  2 03:04:05 2024', '2024-01-02T03:04:05.000Z'],
    ['Sat Dec 31 23:59:59 UTC 2016', '2016-12-31T23:59:59.000Z'],
    ['Mon Jan 02 15:04:05 -0700 2006', '2006-01-02T22:04:05.000Z'],
    ['Thu May 08 17:57:51 CEST 2009', '2009-05-08T15:57:51.000Z'],
    ['Mon Aug 10 15:44:11 UTC+0100 2015', '2015-08-10T14:44:11.000Z'],
    ['Mon Aug 1 5:44:11 CEST+0200 2015', '2015-08-01T03:44:11.000Z'],
    ['Mon 30 Sep 2018 09:09:09 PM UTC', '2018-09-30T21:09:09.000Z'],
  ])('of a language or system is read: %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ['2006-01-02T15:04:05+0000', '2006-01-02T15:04:05.000Z'],
    ['2019-05-29T08:41-04', '2019-05-29T12:41:00.000Z'],
    ['2024-01-02T3:04:05Z', '2024-01-02T03:04:05.000Z'],
    ['2009-08-12T2:8:8', '2009-08-12T02:08:08.000Z'],
    ['2017-07-19T03:21:51:897+0100', '2017-07-19T02:21:51.897Z'],
    ['2014-05-11 08:20:13,787', '2014-05-11T08:20:13.787Z'],
    ['2012-8-3 18:31:59.257000000 +00:00', '2012-08-03T18:31:59.257Z'],
    ['2014-04-26 05:24:37 PM', '2014-04-26T17:24:37.000Z'],
    ['2014-04-26 12:24:37 am', '2014-04-26T00:24:37.000Z'],
    ['2014-04-26 12:24:37 pm', '2014-04-26T12:24:37.000Z'],
    ['2014-04-26 01:24:37 am', '2014-04-26T01:24:37.000Z'],
    ['2014-04-26 05:24:37 PST', '2014-04-26T13:24:37.000Z'],
    ['2014-12-16 06:20:00 GMT', '2014-12-16T06:20:00.000Z'],
    ['2016/12/31 23:59:59', '2016-12-31T23:59:59.000Z'],
    ['2014/4/2 04:08:09.123 PM', '2014-04-02T16:08:09.123Z'],
    ['2014:4:02 03:00:51', '2014-04-02T03:00:51.000Z'],
    ['2012:08:03 18:31:59+00:00', '2012-08-03T18:31:59.000Z'],
    ['2018.09.30', '2018-09-30T00:00:00.000Z'],
    ['2014年04月08日 19:17:22', '2014-04-08T19:17:22.000Z'],
    ['2020-07-20+08:00', '2020-07-19T16:00:00.000Z'],
    ['2024-1-2', '2024-01-02T00:00:00.000Z'],
    ['2014-04', '2014-04-01T00:00:00.000Z'],
    ['2014.05', '2014-05-01T00:00:00.000Z'],
    ['2014', '2014-01-01T00:00:00.000Z'],
    ['2026-01-02T24:00:00Z', '2026-01-03T00:00:00.000Z'],
    ['20161231T235959Z', '2016-12-31T23:59:59.000Z'],
    ['20161231T2359+0100', '2016-12-31T22:59:00.000Z'],
    ['20161231T235959.5', '2016-12-31T23:59:59.500Z'],
    ['2020-W53-5T12:00:00Z', '2021-01-01T12:00:00.000Z'],
    ['2016W527', '2017-01-01T00:00:00.000Z'],
    ['2016-366', '2016-12-31T00:00:00.000Z'],
    ['2020-W01', '2019-12-30T00:00:00.000Z'],
    ['2023-W01-1', '2023-01-02T00:00:00.000Z'],
    ['2026-W53-7', '2027-01-03T00:00:00.000Z'],
    ['2023-001', '2023-01-01T00:00:00.000Z'],
    ['2023-365', '2023-12-31T00:00:00.000Z'],
  ])('with the year first is read: %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ['31 Dec 2016', '2016-12-31T00:00:00.000Z'],
    ['December 31, 2016', '2016-12-31T00:00:00.000Z'],
    ['Dec 31, 2016, 11:59:59 PM', '2016-12-31T23:59:59.000Z'],
    ['Dec. 31, 2016', '2016-12-31T00:00:00.000Z'],
    ["oct 7, '70", '1970-10-07T00:00:00.000Z'],
    ['Sept. 7, 68', '2068-09-07T00:00:00.000Z'],
    ['7 oct 69', '1969-10-07T00:00:00.000Z'],
    ['September 17th, 2012', '2012-09-17T00:00:00.000Z'],
    ['May 1st 2012', '2012-05-01T00:00:00.000Z'],
    ['May 8, 2009 5:57:1 PM', '2009-05-08T17:57:01.000Z'],
    ['September 17, 2012 10:09am', '2012-09-17T10:09:00.000Z'],
    ['September 17, 2012 at 10:09am PST-08', '2012-09-17T18:09:00.000Z'],
    ['September 17 2012 5:00pm UTC-05', '2012-09-17T22:00:00.000Z'],
    ['September 17, 2012, 10:10:09', '2012-09-17T10:10:09.000Z'],
    ['12 Feb 2006, 19:17', '2006-02-12T19:17:00.000Z'],
    ['14 May 2019 19:11:40.164', '2019-05-14T19:11:40.164Z'],
    ['03 February 2013', '2013-02-03T00:00:00.000Z'],
    ['2013-Feb-03', '2013-02-03T00:00:00.000Z'],
    ['28-Feb-02', '2002-02-28T00:00:00.000Z'],
    ['07-Feb-2004 09:07:07 +0100', '2004-02-07T08:07:07.000Z'],
    ['06/Jan/2008:15:04:05 -0700', '2008-01-06T22:04:05.000Z'],
    ['06/Jan/2008 15:04:05 -0700', '2008-01-06T22:04:05.000Z'],
  ])('with the name of its month is read: %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ['1396594800', '2014-04-04T07:00:00.000Z'],
    ['1396594800123', '2014-04-04T07:00:00.123Z'],
    ['1384216367111222', '2013-11-12T00:32:47.111Z'],
    ['1384216367111222333', '2013-11-12T00:32:47.111Z'],
    ['20161231', '2016-12-31T00:00:00.000Z'],
    ['20161231235959', '2016-12-31T23:59:59.000Z'],
    ['171113 14:14:20', '2017-11-13T14:14:20.000Z'],
  ])('of digits alone is read by their number: %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ['03/31/2014', '2014-03-31T00:00:00.000Z'],
    ['3/31/2014 4:8 PM', '2014-03-31T16:08:00.000Z'],
    ['08.21.71', '1971-08-21T00:00:00.000Z'],
    ['12/12/2014', '2014-12-12T00:00:00.000Z'],
    ['12/13/2014', '2014-12-13T00:00:00.000Z'],
    ['8/8/1965 01:00 PM', '1965-08-08T13:00:00.000Z'],
    ['03:19:2012 10:11:59', '2012-03-19T10:11:59.000Z'],
  ])(
    'with the month before the day is read where it can mean nothing else: %s',
    (text, expected) => {
      expect(canonical(text)).toBe(expected);
    },
  );

  it.each([
    ['04/08/2014', 'two months'],
    ['4/8/2014 22:05', 'two months'],
    ['11/12/2014', 'two months'],
    ['31/12/2014', 'no month at RudderStack'],
    ['29-06-2016', 'no month at RudderStack'],
    ['2014-04-26 17:24:37 IST', 'a zone of India, Ireland and Israel'],
    ['2014-04-26 17:24:37 BST', 'a zone of Britain and Bangladesh'],
    ['2014-04-26 17:24:37 XYZ', 'no zone'],
    ['2014-04-26 17:24:37 (CEST)', 'a comment'],
    ['2023-02-30', 'no day'],
    ['30 Feb 2023', 'no day'],
    ['Feb 29, 2023', 'no day'],
    ['20230230', 'no day'],
    ['2023-366', 'no day'],
    ['2023-W54-1', 'no week'],
    ['2023-W00-1', 'no week'],
    ['2023-000', 'no day'],
    ['2023/13/01', 'no month'],
    ['2014-13', 'no month'],
    ['20161331235959', 'no month'],
    ['2023-01-02 13:04:05 PM', 'no hour'],
    ['2023-01-02 0:04:05 AM', 'no hour'],
    ['2023-01-02 25:04:05', 'no hour'],
    ['2023-01-02T24:00:01Z', 'no hour'],
    ['2023-01-02 10', 'an hour alone'],
    ['2019-05-29T08:41-047', 'no offset'],
    ['2019-05-29 08:41 GMT+25', 'no offset'],
    ['25:61', 'a time of day'],
    ['15:04:05', 'a time of day'],
    ['3:04PM', 'a time of day'],
    ['Dec 31 23:59:59', 'no year'],
    ['septe. 7, 1970', 'no name of a month'],
    ['SeptemberRR 7th, 1970', 'no name of a month'],
    ['oct.-7-1970', 'no form'],
    ['not a time', 'a text'],
    ['3', 'a digit'],
    ['-1314', 'a number'],
    ['138421636711122233311111', 'too many digits'],
    ['99999999999999', 'no day'],
    ['12345678901', 'eleven digits'],
    ['5,000-9,999', 'a text'],
    [' 31 Dec 2016', 'a space before it'],
    [`31 Dec 2016${' '.repeat(200)}`, 'too long'],
  ])('is not read, since it is ambiguous or none: %s, %s', (text) => {
    expect(readTimestamp(text)).toBeUndefined();
  });

  it('is read up to 128 characters', () => {
    const text = (length: number): string => `Sat,${' '.repeat(length - 15)}31 Dec 2016`;
    expect(canonical(text(128))).toBe('2016-12-31T00:00:00.000Z');
    expect(canonical(text(129))).toBeUndefined();
  });

  it('is what the platform prints, whenever and wherever', () => {
    const seconds = fc.integer({ min: -2_000_000_000, max: 4_000_000_000 });
    fc.assert(
      fc.property(seconds, (second) => {
        const date = new Date(second * 1000);
        const text = date.toISOString();
        const us = new Intl.DateTimeFormat('en-US', {
          timeZone: 'UTC',
          dateStyle: 'long',
          timeStyle: 'medium',
        });
        for (const printed of [
          date.toUTCString(),
          date.toString(),
          us.format(date),
          text.replace('T', ' ').replace('.000Z', ' UTC'),
          text.replaceAll('-', '/').replace('T', ' ').replace('.000Z', ''),
          text.replace(/[-:]|\.000/g, ''),
          text.replace(/\D/g, '').slice(0, 14),
        ]) {
          expect([printed, readTimestamp(printed)]).toEqual([printed, second * 1000]);
        }
      }),
    );
  });

  it('is read or not, and never throws', () => {
    const piece = fc.constantFrom(
      ...[
        '2016',
        '12',
        '31',
        '7',
        ' ',
        '-',
        '/',
        ':',
        '.',
        ',',
        'T',
        'Z',
        'Dec',
        'Monday',
        'UTC',
        '+0200',
        '(x)',
      ],
      ...['th', "'70", 'PM', 'am', 'at', 'W52', '年', 'm=+0.1', '\u202f'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const time = readTimestamp(pieces.join(''));
        if (time !== undefined) expect(formatTimestamp(time)).toHaveLength(24);
      }),
      { numRuns: 5_000 },
    );
  });
});
