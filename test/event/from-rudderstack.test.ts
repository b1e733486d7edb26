import { describe, expect, it } from 'vitest';
import { fromRudderstack } from '../../src/event/from-rudderstack.js';
import { canonical } from './dialects.js';
import { ARRIVAL, ARRIVAL_TEXT } from './facts.js';

const request = { receivedAt: ARRIVAL };
const ago = (milliseconds: number): string => new Date(ARRIVAL - milliseconds).toISOString();
const timeOf = (message: Record<string, string>): string =>
  canonical(fromRudderstack({ type: 'page', messageId: 'm', ...message }, request)).timestamp;

describe('a message as RudderStack’s libraries send it', () => {
  it('keeps a timestamp, whatever the clocks say', () => {
    const timestamp = '2024-01-02T03:04:05.000Z';
    expect(timeOf({ timestamp, originalTimestamp: ago(50), sentAt: ago(20) })).toBe(timestamp);
  });

  it('gets a missing one from the clocks', () => {
    expect(timeOf({ originalTimestamp: ago(3_600_050), sentAt: ago(3_600_000) })).toBe(ago(50));
  });

  it.each([
    ['sentAt', { originalTimestamp: ago(50) }, ago(50)],
    ['originalTimestamp', { sentAt: ago(50) }, new Date(ARRIVAL + 50).toISOString()],
    ['both', {}, ARRIVAL_TEXT],
  ])('takes the arrival for what is missing of them: %s', (_, times, expected) => {
    expect(timeOf(times)).toBe(expected);
  });

  it('keeps a receivedAt that another gateway has set', () => {
    expect(fromRudderstack({ receivedAt: ago(9_000) }, request)['receivedAt']).toBe(ago(9_000));
  });

  it('has no spaces around its messageId, and nothing in it that does not show', () => {
    expect(fromRudderstack({ messageId: ' m\u200b 1\n' }, request)['messageId']).toBe('m 1');
  });
});
