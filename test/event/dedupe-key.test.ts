import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import { toCanonical } from '../../src/event/canonical.js';
import { dedupeKeyIn, dedupeKeyOf, keyedAs } from '../../src/event/dedupe-key.js';
import type { CanonicalEvent } from '../../src/event/event.js';
import { factsOf, MADE_ID } from './facts.js';

function eventOf(raw: JsonObject, changes: Parameters<typeof factsOf>[0] = {}): CanonicalEvent {
  return toCanonical({ type: 'track', ...raw }, factsOf(changes)).event as CanonicalEvent;
}

describe('receipt.dedupeKey', () => {
  it('is the scope and the messageId', () => {
    const { receipt } = eventOf({ messageId: 'm:1' }, { source: 'web', scope: 'shared' });
    expect(receipt).toMatchObject({ source: 'web', dedupeKey: 'shared:m:1' });
  });

  it('says where nothing authenticates the event', () => {
    const { receipt } = eventOf({ messageId: 'm-1' }, { authenticated: false });
    expect(receipt.dedupeKey).toBe('segment:m-1:unauthenticated');
  });

  it('holds the id that was made for an event without one', () => {
    expect(eventOf({}).receipt.dedupeKey).toBe(`segment:${MADE_ID}`);
  });

  it('never comes from the sender', () => {
    const { receipt } = eventOf({ messageId: 'm-1', receipt: { dedupeKey: 'segment:m-2' } });
    expect(receipt.dedupeKey).toBe('segment:m-1');
  });
});

describe('dedupeKeyOf', () => {
  it('is what the receipt says', () => {
    const event = eventOf({ messageId: 'm-1' }, { scope: 'shared', authenticated: false });
    expect(dedupeKeyOf(event)).toBe('shared:m-1:unauthenticated');
  });

  it.each([
    [true, 'segment:m-1'],
    [false, 'segment:m-1:unauthenticated'],
  ])('is made of the source for events that were stored without one', (authenticated, key) => {
    const event = eventOf({ messageId: 'm-1' }, { scope: 'shared', authenticated });
    const { dedupeKey: _, ...receipt } = event.receipt;
    expect(dedupeKeyOf({ ...event, receipt } as unknown as CanonicalEvent)).toBe(key);
  });
});

describe('keyedAs', () => {
  it('keeps the scope and the authentication under another id', () => {
    const { receipt } = eventOf({ messageId: 'm-1' }, { scope: 'a:b', authenticated: false });
    expect(keyedAs(receipt, 'm-1', 'm-1:2')).toBe('a:b:m-1:2:unauthenticated');
  });
});

describe('dedupeKeyIn', () => {
  const other = { deliveryId: 'x', dedupeKey: 'segment:another', authenticated: true };
  const decoy = `,"receipt":${JSON.stringify(other)}`;

  it.each([
    ['plain', { messageId: 'm-1' }],
    ['unauthenticated', { messageId: 'm-1' }, { authenticated: false }],
    ['with a receipt of the sender', { messageId: 'm-1', receipt: other }],
    ['with receipts in its properties', { messageId: 'm-1', properties: { a: 1, receipt: other } }],
    ['whose texts look like a receipt', { messageId: decoy, event: decoy }],
    ['with an unreadable time', { messageId: 'm-1', timestamp: `x${decoy}` }],
  ] as readonly [string, JsonObject, Parameters<typeof factsOf>[0]?][])(
    'is the key of an event %s',
    (_, raw, changes) => {
      const event = eventOf(raw, changes);
      expect(dedupeKeyIn(JSON.stringify(event))).toBe(dedupeKeyOf(event));
    },
  );

  it.each([
    ['has no receipt', '{"messageId":"m-1"}'],
    ['has no key', '{"messageId":"m-1","receipt":{"source":"segment"}}'],
    ['has another member last', `{"messageId":"m-1"${decoy},"properties":{}}`],
    ['has the last receipt in another object', `{"messageId":"m-1","properties":{"a":1${decoy}}}`],
  ])('is unknown from a text that %s', (_, text) => {
    expect(dedupeKeyIn(text)).toBeUndefined();
  });
});
