import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import { readTimes } from '../../src/event/times.js';
import { ARRIVAL, ARRIVAL_TEXT } from './facts.js';

function times(sent: JsonObject): object {
  return readTimes(sent, ARRIVAL, ARRIVAL_TEXT);
}

describe('readTimes', () => {
  it.each([
    ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05.123Z'],
    ['2026-01-02T03:04:05.000+05:30', '2026-01-01T21:34:05.000Z'],
    ['2016-12-31T23:59:60.000Z', '2017-01-01T00:00:00.000Z'],
    ['2016-12-31T24:00:00.000Z', '2017-01-01T00:00:00.000Z'],
    ['2016/12/31T23:59:59.000Z', '2016-12-31T23:59:59.000Z'],
    ['2016-12-31 23:59:59.000Z', '2016-12-31T23:59:59.000Z'],
    ['Sat, 31 Dec 2016 23:59:59 GMT', '2016-12-31T23:59:59.000Z'],
  ])('brings the timestamp %s into canonical form', (timestamp, expected) => {
    expect(times({ timestamp })).toEqual({ timestamp: expected, receivedAt: ARRIVAL_TEXT });
  });

  it('keeps the other three as they were sent', () => {
    const sent = {
      timestamp: '2020-05-09T23:54:49.209Z',
      originalTimestamp: '2020-05-09 23:54:49.209808489 +0000 UTC m=+70366.298768264',
      sentAt: '2020-05-09T17:49:00Z',
      receivedAt: '2020-05-10T01:54:50+02:00',
    };
    expect(times(sent)).toEqual(sent);
  });

  it("corrects a missing timestamp by what the sender's clock is off", () => {
    const sent = {
      originalTimestamp: '2026-01-02T02:00:00.000Z',
      sentAt: '2026-01-02T02:00:10.500Z',
      receivedAt: '2026-01-02T03:00:00Z',
    };
    expect(times(sent)).toEqual({ ...sent, timestamp: '2026-01-02T02:59:49.500Z' });
  });

  it('corrects against the arrival here where the vendor did not say when it received it', () => {
    expect(
      times({ originalTimestamp: '2026-01-01T00:00:00Z', sentAt: '2026-01-01T00:00:01Z' }),
    ).toMatchObject({ timestamp: '2026-01-02T03:04:04.678Z', receivedAt: ARRIVAL_TEXT });
  });

  it.each<JsonObject>([
    { receivedAt: '2026-01-02T03:00:00Z' },
    { receivedAt: '2026-01-02T03:00:00Z', sentAt: '2026-01-01T00:00:00Z' },
    { receivedAt: '2026-01-02T03:00:00Z', originalTimestamp: '2026-01-01T00:00:00Z' },
    {
      receivedAt: '2026-01-02T03:00:00Z',
      originalTimestamp: '0000-01-01T00:00:00Z',
      sentAt: '9999-01-01T00:00:00Z',
    },
  ])('is receivedAt where it cannot be worked out: %j', (sent) => {
    expect(times(sent)).toMatchObject({ timestamp: '2026-01-02T03:00:00.000Z' });
  });

  it.each(['yesterday', '2026-02-30T00:00:00Z', '0001-01-01T00:00:00Z'])(
    'leaves out what cannot be read and keeps its text: %s',
    (text) => {
      const sent = { timestamp: text, originalTimestamp: text, sentAt: text, receivedAt: text };
      expect(times(sent)).toEqual({
        timestamp: ARRIVAL_TEXT,
        receivedAt: ARRIVAL_TEXT,
        unreadable: sent,
      });
    },
  );

  it('keeps the JSON text of what is not a text', () => {
    expect(times({ timestamp: 1767323045000, sentAt: { a: 1 } })).toMatchObject({
      timestamp: ARRIVAL_TEXT,
      unreadable: { timestamp: '1767323045000', sentAt: '{"a":1}' },
    });
  });

  it.each([null, ''])('takes %j for missing, with nothing to keep', (value) => {
    const sent = { timestamp: value, originalTimestamp: value, sentAt: value, receivedAt: value };
    expect(times(sent)).toEqual({ timestamp: ARRIVAL_TEXT, receivedAt: ARRIVAL_TEXT });
  });
});
