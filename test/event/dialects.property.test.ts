import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject, type JsonValue } from '../../src/core/json.js';
import type { CanonicalEvent, Vendor } from '../../src/event/event.js';
import { visible } from '../../src/event/visible.js';
import { json } from './arbitraries.js';
import { canonical, throughRudderstack, throughSegment } from './dialects.js';

const AT = Date.UTC(2026, 5, 1, 12, 0, 0, 0);

const object = fc.dictionary(fc.string(), json, { maxKeys: 4, noNullPrototype: true });
const id = fc.string({ minLength: 1, maxLength: 200 });
const time = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const externalId = fc.record({ id, type: fc.constantFrom('brazeExternalId', 'email', 'phone') });
const context = fc.record(
  {
    ip: fc.constantFrom('1.2.3.4', '::1', '2001:db8::7'),
    traits: object,
    campaign: fc.record({ name: id, source: id, medium: id }),
    page: fc.record({ url: fc.webUrl(), title: fc.string() }),
    library: fc.record({ name: id, version: id }),
    consent: fc.record({ categoryPreferences: fc.dictionary(id, fc.boolean(), { maxKeys: 3 }) }),
    consentManagement: fc.record({ deniedConsentIds: fc.array(id, { maxLength: 3 }) }),
    externalIds: fc.array(
      fc.record({ id, type: id, collection: fc.constant('users'), encoding: fc.constant('none') }),
    ),
    externalId: fc.array(externalId),
    sessionId: fc.integer({ min: 1 }),
    sessionStart: fc.boolean(),
    personas: object,
    protocols: object,
    segment: fc.oneof(object, fc.string()),
    [' odd key ']: json,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const integrations = fc.dictionary(
  fc.constantFrom('All', 'Segment.io', 'Mixpanel', 'Customer.io', 'Customer IO', 'Unknown', 'Heap'),
  fc.oneof(fc.boolean(), object),
  { noNullPrototype: true },
);
const raw = fc.record(
  {
    type: fc.constantFrom('identify', 'track', 'page', 'screen', 'group', 'alias'),
    // RudderStack keeps what is visible of it.
    messageId: id.filter((text) => text === visible(text)),
    userId: id,
    anonymousId: id,
    groupId: id,
    previousId: id,
    event: fc.string(),
    name: fc.string(),
    category: fc.string(),
    properties: object,
    traits: object,
    context,
    integrations,
    timestamp: time,
    originalTimestamp: time,
    sentAt: time,
    receivedAt: time,
    channel: fc.constantFrom('web', 'client', 'browser', 'mobile', 'server', 'sources'),
    projectId: id,
    version: fc.integer(),
    _metadata: object,
    rudderId: id,
    request_ip: fc.constantFrom('5.6.7.8', '[::1]:57363', '9.9.9.9:1234'),
    unheardOf: json,
  },
  { requiredKeys: ['type', 'messageId'], noNullPrototype: true },
);
const vendor = fc.constantFrom<Vendor>('segment', 'rudderstack');
const event: fc.Arbitrary<CanonicalEvent> = fc
  .tuple(raw, vendor)
  .map(([sent, from]) => canonical(JSON.parse(JSON.stringify(sent)), { vendor: from }));

const SAME_ANYWHERE = [
  ...['type', 'messageId', 'userId', 'anonymousId', 'groupId', 'previousId', 'event', 'name'],
  ...['category', 'properties', 'traits', 'unheardOf'],
];
const SEGMENTS_OWN = ['projectId', 'version', '_metadata'];

/** Every known field as it was, and every entry of the context where it was; others may have come to it. */
function expectKept(before: CanonicalEvent, after: CanonicalEvent): void {
  for (const field of SAME_ANYWHERE) expect([field, after[field]]).toEqual([field, before[field]]);
  for (const [key, value] of Object.entries(before.context)) {
    if (key === 'segment' && isObject(value)) continue;
    expect([key, after.context[key]]).toEqual([key, value]);
  }
  if (isObject(before.context['segment'])) {
    expect(after.context['segment']).toMatchObject(before.context['segment']);
  }
  expect(kindOf(after['channel'] ?? 'server')).toBe(kindOf(before['channel'] ?? 'server'));
  expect(externalIds(after)).toEqual(expect.arrayContaining(externalIds(before)));
}

/** The three names of the web are one. */
const kindOf = (channel: JsonValue): JsonValue =>
  channel === 'client' || channel === 'browser' ? 'web' : channel;

function externalIds({ context }: CanonicalEvent): unknown[] {
  return [context['externalIds'], context['externalId']]
    .flatMap((ids) => (Array.isArray(ids) ? ids : []))
    .map((each) => (isObject(each) ? { id: each['id'], type: each['type'] } : each));
}

/** What Segment's alone is still at the top, or under `context.segment` unless a sender's own text stands there. */
function expectSegmentsOwn(before: CanonicalEvent, after: CanonicalEvent): void {
  const moved = after.context['segment'];
  if (moved !== undefined && !isObject(moved)) return;
  for (const field of SEGMENTS_OWN) {
    if (before[field] === undefined || Object(before.context['segment'])[field] !== undefined) {
      continue;
    }
    expect(after[field] ?? Object(moved)[field]).toEqual(before[field]);
  }
}

/** Every setting for a destination, under either vendor's name or with the original under `context.segment`. */
function expectIntegrations(before: CanonicalEvent, after: CanonicalEvent): void {
  const moved = after.context['segment'];
  if (moved !== undefined && !isObject(moved)) return;
  if (Object(before.context['segment']).integrations !== undefined) return;
  const kept: JsonObject = { ...Object(Object(moved).integrations), ...after.integrations };
  const names: Readonly<Record<string, string>> = {
    'Customer.io': 'Customer IO',
    'Customer IO': 'Customer.io',
    Heap: 'Heap.io',
  };
  for (const [name, value] of Object.entries(before.integrations)) {
    if (name === 'Segment.io') continue;
    // Both of the vendors' names for one destination in one event: one of them is left.
    if (names[name] !== undefined && names[name] in before.integrations) continue;
    expect([name, kept[name] ?? kept[names[name] ?? name]]).toEqual([name, value]);
  }
}

const runs = { numRuns: 300 };

describe('a canonical event that goes to a vendor and back', () => {
  it('loses nothing through RudderStack but its receipt', () => {
    fc.assert(
      fc.property(event, (before) => {
        const after = throughRudderstack(before, AT);
        expectKept(before, after);
        expectSegmentsOwn(before, after);
        expectIntegrations(before, after);
        for (const field of ['timestamp', 'receivedAt', 'rudderId'] as const) {
          expect(after[field]).toEqual(before[field]);
        }
        expect(after['originalTimestamp']).toBe(before['originalTimestamp'] ?? before.timestamp);
        expect(after['sentAt']).toBe(before['sentAt'] ?? new Date(AT).toISOString());
      }),
      runs,
    );
  });

  it('loses nothing through Segment but what Segment sets itself and what is RudderStack’s alone', () => {
    fc.assert(
      fc.property(event, fc.integer({ min: 0, max: 60_000 }), (before, delay) => {
        const after = throughSegment(before, AT, delay);
        expectKept(before, after);
        expectIntegrations(before, after);
        for (const field of SEGMENTS_OWN) expect(after[field]).toEqual(before[field]);
        expect(Date.parse(after.timestamp) - Date.parse(before.timestamp)).toBe(delay);
        expect(after['originalTimestamp']).toBe(before.timestamp);
        expect(after['sentAt']).toBe(new Date(AT).toISOString());
        expect(after.receivedAt).toBe(new Date(AT + delay).toISOString());
        expect(after).not.toHaveProperty('rudderId');
        if (before['request_ip'] !== undefined) expect(after.context['ip']).toBeDefined();
      }),
      runs,
    );
  });

  it('loses nothing more through both, in either order, and its time is not shifted twice', () => {
    fc.assert(
      fc.property(event, fc.boolean(), (before, segmentFirst) => {
        const after = segmentFirst
          ? throughRudderstack(throughSegment(before, AT), AT + 3_600_000)
          : throughSegment(throughRudderstack(before, AT), AT + 3_600_000);
        expectKept(before, after);
        expectSegmentsOwn(before, after);
        expectIntegrations(before, after);
        expect(after.timestamp).toBe(before.timestamp);
      }),
      runs,
    );
  });

  it('comes to rest: the second time around changes nothing', () => {
    const settled = ({ receipt: _, ...rest }: CanonicalEvent): JsonObject => rest;
    fc.assert(
      fc.property(event, (before) => {
        const once = throughRudderstack(throughSegment(before, AT), AT);
        const twice = throughRudderstack(throughSegment(once, AT), AT);
        expect(settled(twice)).toEqual(settled(once));
      }),
      runs,
    );
  });
});
