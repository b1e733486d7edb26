import { describe, expect, it } from 'vitest';
import type { SourceConfig } from '../../src/config/config.js';
import type { JsonValue } from '../../src/core/json.js';
import { type CheckedDelivery, checkEvents } from '../../src/ingest/check-events.js';
import type { RawEvent } from '../../src/sources/source.js';
import { deliveryOf, RECEIVED_AT } from '../sources/support.js';
import { checksOf, openSource } from './harness.js';

const uuid = (): string => '019b7c5a-0000-7000-8000-000000000001';
const checks = checksOf(uuid);
const delivery = deliveryOf();
const covered = { authenticated: true, verifiedBy: 'segment-signature' };
const uncovered = { authenticated: false, verifiedBy: 'none' };

function checkAll(
  events: readonly RawEvent[],
  config: Partial<SourceConfig> = {},
): CheckedDelivery {
  const coverage = (index: number) => (index === 0 ? covered : uncovered);
  const decoded = { batch: true, events };
  return checkEvents(openSource(config), delivery, decoded, { passed: true, coverage }, checks);
}

const quarantining = () => openSource({ onUnauthenticated: 'quarantine' });

const track = (more: object = {}): RawEvent => ({
  value: { type: 'track', event: 'A', messageId: 'm-1', ...more } as JsonValue,
});

describe('an event that this receiver has sent on itself', () => {
  it('is counted and goes nowhere; one that another sent on is taken', () => {
    const of = (...hops: string[]) => track({ context: { trackbridge: { hops } } });
    const checked = checkAll([of('other', 'this-bridge'), of('other'), track()]);
    expect(checked).toMatchObject({ looped: 1, quarantined: [] });
    expect(checked.events).toHaveLength(2);
  });
});

describe('a valid event', () => {
  it('goes to the outbox with what it needs to know of it', () => {
    const { events, quarantined } = checkAll([track({ userId: 'u-1' })]);
    expect(quarantined).toEqual([]);
    const [event] = events;
    expect(event).toMatchObject({
      scope: 'open',
      messageId: 'm-1',
      authenticated: true,
      orderKey: 'u:u-1',
      receivedAt: RECEIVED_AT,
    });
    expect(JSON.parse(String(event?.json))).toMatchObject({
      messageId: 'm-1',
      receipt: {
        deliveryId: delivery.id,
        source: 'open',
        vendor: 'segment',
        method: 'POST',
        receivedAt: new Date(RECEIVED_AT).toISOString(),
        ...covered,
      },
    });
  });

  it('without a usable messageId is nobody’s duplicate', () => {
    const [event] = checkAll([track({ messageId: '' })]).events;
    expect(event).toMatchObject({ messageId: undefined });
    expect(JSON.parse(String(event?.json))).toMatchObject({
      messageId: uuid(),
      receipt: { messageIdGenerated: true },
    });
  });

  it('is unique within the dedupe group, where there is one', () => {
    const { events } = checkAll([track(), track()], { dedupeGroup: 'shared' });
    expect(events.map(({ scope }) => scope)).toEqual(['shared', 'shared']);
    const keys = events.map(({ json }) => JSON.parse(json).receipt.dedupeKey);
    expect(keys).toEqual(['shared:m-1', 'shared:m-1:unauthenticated']);
  });

  it('is as trustworthy as what covers it alone', () => {
    const { events } = checkAll([track(), track({ messageId: 'm-2' })]);
    expect(events.map(({ authenticated }) => authenticated)).toEqual([true, false]);
    expect(JSON.parse(String(events[1]?.json)).receipt).toMatchObject(uncovered);
  });

  it('lists the keys that its query lost', () => {
    const [event] = checkAll([{ ...track(), collisions: ['a'] }]).events;
    expect(JSON.parse(String(event?.json)).receipt.collisions).toEqual(['a']);
  });
});

describe('an event that is not valid', () => {
  it('is set aside with the reason, beside those that are', () => {
    const { events, quarantined } = checkAll([track({ event: [7] }), track(), { value: null }]);
    expect(events).toHaveLength(1);
    expect(quarantined.map(({ reason, errors }) => [reason, errors[0]?.path])).toEqual([
      ['invalid', '/event'],
      ['invalid', ''],
    ]);
    expect(quarantined[0]).toMatchObject({
      source: 'open',
      deliveryId: delivery.id,
      receivedAt: RECEIVED_AT,
    });
    expect(JSON.parse(String(quarantined[0]?.delivery))).toMatchObject({
      method: 'POST',
      ...covered,
    });
  });

  it('is kept as it was decoded, but never with a write key', () => {
    const value = {
      type: 'nonsense',
      writeKey: 'the-write-key',
      context: {
        writeKey: 'the-write-key',
        url: 'https://rs.example/v1/webhook?writeKey=the-write-key&a=1',
        query_parameters: { writeKey: ['the-write-key'], a: ['1'] },
        other: 1,
      },
      properties: { a: 1 },
    };
    const asDecoded = checkAll([{ value }]).quarantined[0]?.raw;
    const unauthenticated = checkEvents(
      quarantining(),
      delivery,
      { batch: false, events: [{ value }] },
      { passed: false, reason: 'no signature' },
      checks,
    ).quarantined[0]?.raw;
    for (const raw of [asDecoded, unauthenticated]) {
      expect(raw).not.toContain('the-write-key');
      expect(JSON.parse(String(raw))).toEqual({
        type: 'nonsense',
        context: {
          url: 'https://rs.example/v1/webhook?writeKey=***&a=1',
          query_parameters: { a: ['1'] },
          other: 1,
        },
        properties: { a: 1 },
      });
    }
  });

  it.each<[string, JsonValue]>([
    ['in a wrapper', { json: { type: 'nonsense', writeKey: 'the-write-key' } }],
    ['deep in objects and lists', { a: [[{ b: { writeKey: 'the-write-key' } }], ['x']] }],
    ['in a batch inside', { batch: [{ type: 'track', context: { writeKey: 'the-write-key' } }] }],
    ['that is no text', { a: { writeKey: ['the-write-key', { b: 'the-write-key' }] } }],
    ['in a URL in a list', { a: { urls: ['https://x.example/?a=1&writeKey=the-write-key#b'] } }],
  ])('is kept without the write key, wherever that stands: %s', (_, value) => {
    const decoded = { batch: false, events: [{ value }] };
    const aside = checkEvents(
      quarantining(),
      delivery,
      decoded,
      { passed: false, reason: 'no signature' },
      checks,
    );
    for (const { quarantined } of [checkAll([{ value }]), aside]) {
      expect(quarantined).toHaveLength(1);
      expect(quarantined[0]?.raw).toMatch(/^\{"\w+":/);
      expect(quarantined[0]?.raw).not.toContain('the-write-key');
    }
  });

  it('may be any JSON value', () => {
    const values: JsonValue[] = [null, 5, 'text', [1], {}, { context: null }, { context: [1] }];
    const { quarantined } = checkAll(values.map((value) => ({ value })));
    expect(quarantined.map(({ raw }) => JSON.parse(raw))).toEqual(values);
  });
});

describe('an event of a batch whose own write key is not listed', () => {
  const unknown = { ...track(), unauthenticated: 'the write key is not listed' };

  it('is dropped and counted', () => {
    expect(checkAll([unknown])).toMatchObject({
      events: [],
      quarantined: [],
      unauthenticated: 1,
    });
  });

  it('is kept as not authenticated with onUnauthenticated: quarantine, whatever covers the batch', () => {
    const { quarantined } = checkAll([unknown], { onUnauthenticated: 'quarantine' });
    expect(quarantined).toMatchObject([{ reason: 'unauthenticated' }]);
    expect(JSON.parse(String(quarantined[0]?.delivery))).toMatchObject(uncovered);
  });
});

describe('a delivery that nothing authenticates', () => {
  it('is set aside whole, with why', () => {
    const decoded = { batch: true, events: [track(), { ...track(), collisions: ['a'] }] };
    const reason = 'no x-signature header';
    const { events, quarantined } = checkEvents(
      quarantining(),
      delivery,
      decoded,
      { passed: false, reason },
      checks,
    );
    expect(events).toEqual([]);
    expect(quarantined).toHaveLength(2);
    expect(quarantined[1]).toMatchObject({
      reason: 'unauthenticated',
      errors: [{ path: '', message: reason }],
    });
    expect(JSON.parse(String(quarantined[1]?.delivery))).toMatchObject({
      ...uncovered,
      collisions: ['a'],
    });
  });
});
