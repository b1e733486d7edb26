import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { createCanonicalizer } from '../../src/event/canonicalizer.js';
import { ARRIVAL_TEXT, factsOf, MADE_ID } from './facts.js';

const canonicalize = createCanonicalizer();

function accepted(raw: JsonObject, facts = factsOf()): JsonObject {
  const outcome = canonicalize(raw, facts);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
  return outcome.event;
}

describe('createCanonicalizer', () => {
  it("takes Segment's delete in its full form", () => {
    const raw = {
      type: 'delete',
      channel: 'server',
      userId: '507f191e81',
      context: null,
      integrations: null,
      messageId: 'delete-reg-6543321::job-2-P0OJ3CTID1',
      projectId: 'P0OJ3CTID1',
      timestamp: '2020-05-09T23:54:49.209Z',
      receivedAt: '2020-05-09T23:54:50.000Z',
      sentAt: '2020-05-09T17:49:00.000Z',
      originalTimestamp: '2020-05-09 23:54:49.209808489 +0000 UTC m=+70366.298768264',
    };
    const { receipt, ...event } = accepted(raw);
    expect(event).toEqual({ ...raw, context: {}, integrations: {} });
    expect(receipt).not.toHaveProperty('unreadable');
  });

  it("takes Segment's delete in its short form", () => {
    const raw = { type: 'delete', userId: '507F191', timestamp: '2017-02-06T19:00:00.000Z' };
    expect(accepted(raw)).toMatchObject({ ...raw, messageId: MADE_ID, context: {} });
  });

  it("takes Segment's notice of a violation, with nanoseconds and Go's zero time", () => {
    const event = accepted({
      type: 'track',
      event: 'Violation Generated',
      userId: 'schema-violations',
      messageId: 'sch-1XkQ',
      forwardedFromProject: 'P1',
      originalTimestamp: '2019-11-05T19:52:45.123456789Z',
      sentAt: '0001-01-01T00:00:00Z',
      timestamp: '2019-11-05T19:52:45.123456789Z',
      receivedAt: '2019-11-05T19:52:46.5Z',
      properties: { violationType: 'Required Property Missing' },
    });
    expect(event).toMatchObject({
      timestamp: '2019-11-05T19:52:45.123Z',
      originalTimestamp: '2019-11-05T19:52:45.123456789Z',
      receivedAt: '2019-11-05T19:52:46.5Z',
      forwardedFromProject: 'P1',
      receipt: { unreadable: { sentAt: '0001-01-01T00:00:00Z' } },
    });
    expect(event).not.toHaveProperty('sentAt');
  });

  it('takes an audience event of Segment Engage as it is', () => {
    const context = { personas: { computation_class: 'audience', computation_key: 'vips' } };
    expect(
      accepted({ type: 'identify', userId: 'u', traits: { vips: true }, context }),
    ).toMatchObject({ traits: { vips: true }, context });
  });

  it("takes RudderStack's record, whose ids may be of any type", () => {
    const raw = {
      type: 'record',
      action: 'update',
      userId: { row: 1 },
      anonymousId: 17,
      fields: { email: 'a@b.c' },
      identifiers: { id: 1 },
      request_ip: '203.0.113.7:52100',
      context: { ip: '203.0.113.7:52100', sources: { job_id: 'j' } },
    };
    expect(accepted(raw)).toMatchObject({
      ...raw,
      userId: '{"row":1}',
      anonymousId: '17',
      context: { ip: '203.0.113.7', sources: { job_id: 'j' } },
    });
  });

  it('needs neither a user nor a name', () => {
    expect(accepted({ type: 'track' })['timestamp']).toBe(ARRIVAL_TEXT);
  });

  it('takes an extra type of its source, in lower case', () => {
    expect(accepted({ type: 'MERGE' }, factsOf({ extraTypes: ['Merge'] }))['type']).toBe('merge');
  });

  it.each<[JsonValue]>([[null], [true], [7], ['{}'], [[]], [[{ type: 'track' }]]])(
    'refuses %j, which is no object',
    (raw) => {
      expect(canonicalize(raw, factsOf())).toEqual({
        ok: false,
        errors: [{ path: '', message: 'must be a JSON object' }],
      });
    },
  );

  it.each<[JsonObject, string]>([
    [{}, '/type'],
    [{ type: null }, '/type'],
    [{ type: 'Order' }, '/type'],
    [{ type: ['track'] }, '/type'],
    [{ type: 'track', event: { a: 1 } }, '/event'],
    [{ type: 'track', properties: 'a=1' }, '/properties'],
    [{ type: 'track', context: ['a'] }, '/context'],
    [{ type: 'track', integrations: 'All' }, '/integrations'],
    [{ type: 'page', category: [3] }, '/category'],
    [{ type: 'identify', traits: ['a'] }, '/traits'],
    [{ type: 'record', fields: [1] }, '/fields'],
  ])('refuses %j and points at %s', (raw, path) => {
    const outcome = canonicalize(raw, factsOf());
    expect(outcome.ok ? [] : outcome.errors.map((error) => error.path)).toEqual([path]);
  });

  it('says nothing of what the event holds in what it reports', () => {
    const outcome = canonicalize({ type: 'SECRET', userId: true }, factsOf());
    expect(JSON.stringify(outcome)).not.toMatch(/secret/i);
  });
});
