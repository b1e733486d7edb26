import { describe, expect, it } from 'vitest';
import { fromSegment } from '../../src/event/from-segment.js';
import { toSegment } from '../../src/event/to-segment.js';
import { canonical } from './dialects.js';
import { ARRIVAL, ARRIVAL_TEXT } from './facts.js';

const request = { receivedAt: ARRIVAL };
const ago = (milliseconds: number): string => new Date(ARRIVAL - milliseconds).toISOString();

describe('a message as Segment’s libraries send it', () => {
  it('gets its time corrected by the sender’s clock', () => {
    // The sender's clock is an hour slow, and the event happened ten seconds before it was sent.
    const timestamp = ago(3_610_000);
    const raw = fromSegment({ type: 'page', timestamp, sentAt: ago(3_600_000) }, request);
    expect(raw).toEqual({
      type: 'page',
      timestamp: ago(10_000),
      originalTimestamp: timestamp,
      sentAt: ago(3_600_000),
      receivedAt: ARRIVAL_TEXT,
    });
  });

  it('keeps its time where nothing says when it was sent', () => {
    expect(fromSegment({ timestamp: ago(50) }, request)).toMatchObject({ timestamp: ago(50) });
    const unreadable = fromSegment({ timestamp: ago(50), sentAt: 'soon' }, request);
    expect(unreadable).toMatchObject({ timestamp: ago(50), sentAt: 'soon' });
  });

  it('happens now where it has no time', () => {
    const raw = fromSegment({ type: 'page', sentAt: ago(50) }, request);
    expect(raw).toMatchObject({ timestamp: ARRIVAL_TEXT });
    expect(raw).not.toHaveProperty('originalTimestamp');
  });

  it('leaves a time that cannot be read to be reported', () => {
    const raw = fromSegment({ type: 'page', messageId: 'm', timestamp: 'yesterday' }, request);
    const event = canonical(raw);
    expect(event.timestamp).toBe(ARRIVAL_TEXT);
    expect(event.receipt.unreadable).toEqual({ timestamp: 'yesterday' });
  });

  it('falls back to the arrival where the correction leaves the calendar', () => {
    const message = { timestamp: '9999-12-31T23:59:59.999Z', sentAt: '0001-01-02T00:00:00Z' };
    expect(fromSegment(message, request)).toMatchObject({ timestamp: ARRIVAL_TEXT });
  });

  it('gets back the messageId that was too long for Segment', () => {
    const messageId = 'x'.repeat(300);
    const sent = toSegment(canonical({ type: 'page', messageId, context: { a: 1 } }));
    expect(fromSegment(sent, request)).toMatchObject({ messageId, context: { a: 1 } });
    expect(fromSegment(sent, request)['context']).not.toHaveProperty('trackbridge');
  });

  it('does not get an id that its hash does not stand for', () => {
    const context = { trackbridge: { messageId: 'y'.repeat(300), hops: ['a'] } };
    const forged = { type: 'page', messageId: 'm', context };
    expect(fromSegment(forged, request)).toMatchObject({ messageId: 'm', context });
  });
});
