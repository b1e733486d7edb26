import { describe, expect, it } from 'vitest';
import { toSegment } from '../../src/event/to-segment.js';
import { canonical } from './dialects.js';

const fromRudderstack = { vendor: 'rudderstack' } as const;

describe('a canonical event as Segment takes it', () => {
  it('keeps the messageId, the corrected timestamp and what the sender said', () => {
    const event = canonical({
      type: 'track',
      messageId: 'm-1',
      userId: 'u-1',
      event: 'Order Completed',
      properties: { revenue: 39.95 },
      context: { campaign: { name: 'c' }, sessionId: 7, consent: { categoryPreferences: {} } },
      integrations: { All: false, Mixpanel: true },
      timestamp: '2026-01-02T04:04:05+01:00',
    });
    expect(toSegment(event)).toEqual({
      type: 'track',
      messageId: 'm-1',
      userId: 'u-1',
      event: 'Order Completed',
      properties: { revenue: 39.95 },
      context: { campaign: { name: 'c' }, sessionId: 7, consent: { categoryPreferences: {} } },
      integrations: { All: false, Mixpanel: true },
      timestamp: '2026-01-02T03:04:05.000Z',
    });
  });

  it('leaves out what Segment would count again or sets itself, and what is RudderStack’s or ours', () => {
    const message = toSegment(
      canonical({
        type: 'page',
        messageId: 'm-1',
        rudderId: 'r',
        request_ip: '[::1]:57363',
        originalTimestamp: '2026-01-01T00:00:00Z',
        sentAt: '2026-01-01T00:00:01Z',
        receivedAt: '2026-01-01T00:00:02Z',
      }),
    );
    expect(Object.keys(message).sort()).toEqual([
      ...['context', 'integrations', 'messageId', 'timestamp', 'type'],
    ]);
    expect(message['context']).toEqual({ ip: '::1' });
  });

  it('writes an identify’s traits at the top, from the context where RudderStack’s browser library left them', () => {
    const event = canonical({ type: 'identify', messageId: 'm', context: { traits: { a: 1 } } });
    expect(toSegment(event)).toMatchObject({ traits: { a: 1 }, context: { traits: { a: 1 } } });
  });

  it.each([
    ['web', 'client'],
    ['mobile', 'mobile'],
    ['server', 'server'],
    ['sources', 'sources'],
  ])('calls the channel %s %s', (channel, expected) => {
    const event = canonical({ type: 'page', messageId: 'm', channel });
    expect(toSegment(event)['channel']).toBe(expected);
  });

  it('names RudderStack’s destinations as Segment does, and completes its external ids', () => {
    const event = canonical(
      {
        type: 'page',
        messageId: 'm',
        context: { externalId: [{ id: '1', type: 'brazeExternalId' }, 'odd'] },
        integrations: { All: false, 'Customer IO': { a: 1 }, Own: true },
      },
      fromRudderstack,
    );
    expect(toSegment(event)).toMatchObject({
      context: {
        externalId: [{ id: '1', type: 'brazeExternalId' }, 'odd'],
        externalIds: [
          { id: '1', type: 'brazeExternalId', collection: 'users', encoding: 'none' },
          'odd',
        ],
      },
      integrations: { All: false, 'Customer.io': { a: 1 }, Own: true },
    });
  });

  it('names the integrations that Segment has no destination for', () => {
    const names: string[] = [];
    const integrations = { All: false, Amplitude: false, Own: true };
    const event = canonical({ type: 'page', messageId: 'm', integrations }, fromRudderstack);
    toSegment(event, (name) => names.push(name));
    expect(names).toEqual(['Own']);
  });

  it('does not ask Segment for the address of the connection, which is the bridge’s', () => {
    const event = canonical({ type: 'page', messageId: 'm', context: { direct: true, a: 1 } });
    expect(toSegment(event)['context']).toEqual({ a: 1 });
  });

  it('leaves Segment’s own names of destinations alone', () => {
    const event = canonical({ type: 'page', messageId: 'm', integrations: { 'Heap.io': true } });
    expect(toSegment(event)['integrations']).toEqual({ 'Heap.io': true });
  });

  it('hashes a messageId over 100 characters, always to the same, and remembers it', () => {
    const messageId = 'é'.repeat(101);
    const [first, second] = [1, 2].map(() =>
      toSegment(canonical({ type: 'page', messageId, context: { a: 1 } })),
    );
    expect(first?.['messageId']).toMatch(/^sha256-[0-9a-f]{64}$/);
    expect(second?.['messageId']).toBe(first?.['messageId']);
    expect(first?.['context']).toEqual({ a: 1, trackbridge: { messageId } });
    expect(toSegment(canonical({ type: 'page', messageId: 'é'.repeat(100) }))).toMatchObject({
      messageId: 'é'.repeat(100),
    });
  });
});
