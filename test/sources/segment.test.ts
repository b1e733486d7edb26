import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/core/json.js';
import { createSegmentSource } from '../../src/sources/segment.js';
import { segmentSignature } from '../../src/verify/segment-signature.js';
import { sign } from '../verify/signed.js';
import {
  canonicalOf,
  codeOf,
  decode,
  deliveryOf,
  OPEN,
  outcomeOf,
  sourceConfig,
  valuesOf,
} from './support.js';

const source = createSegmentSource('segment', sourceConfig(), OPEN);
const bodyOf = (value: JsonValue) => ({ body: JSON.stringify(value) });

describe('a segment source', () => {
  it('takes bodies by POST, PUT and PATCH on its own path, and asks again for late ones by 503', () => {
    expect(source.methodsFor('')).toEqual(['POST', 'PUT', 'PATCH']);
    expect(source.route.test('/in/below')).toBe(false);
    // 408 is not on Segment's list of what it retries.
    expect(source.lateBody).toBe('BUDGET_SPENT');
    expect(source.checkSubpath('')).toBeUndefined();
  });

  it('verifies by the schemes of its configuration', async () => {
    const secret = 'a-secret-of-the-test';
    const verifier = segmentSignature({
      scheme: 'segment-signature',
      header: 'x-signature',
      secrets: [secret],
      batch: 'first-element',
    });
    const signed = createSegmentSource('segment', sourceConfig(), [verifier]);
    const { signal } = new AbortController();
    const headers = [['X-Signature', sign(secret, '{"a":1}')]] as const;
    const right = await signed.verify(deliveryOf({ headers, body: '[{"a":1},{"b":2}]' }), signal);
    if (!right.passed) throw new Error(right.reason);
    expect([right.coverage(0), right.coverage(1)].map((each) => each.authenticated)).toEqual([
      true,
      false,
    ]);
    expect(await signed.verify(deliveryOf({ headers, body: '{"a":2}' }), signal)).toMatchObject({
      passed: false,
    });
  });
});

describe('a single event', () => {
  it('is the whole body, also where it looks wrapped', async () => {
    for (const value of [{ type: 'track', event: 'A' }, { json: { type: 'track' } }]) {
      expect(await decode(source, bodyOf(value))).toEqual({ batch: false, events: [{ value }] });
    }
  });

  it('may have a property called batch of its own', async () => {
    for (const value of [
      { type: 'track', event: 'A', batch: [1, 2] },
      { type: 'track', batch: 'not a list' },
      { batch: { a: 1 } },
    ]) {
      expect(await decode(source, bodyOf(value))).toEqual({ batch: false, events: [{ value }] });
    }
  });

  it('that has no type is wrapped where the source says so, and refused where not', async () => {
    const untyped = { as: 'track', event: 'Untyped' };
    const lenient = createSegmentSource('segment', sourceConfig({ untyped }), OPEN);
    expect(await canonicalOf(lenient, bodyOf({ a: 1 }))).toMatchObject({
      type: 'track',
      event: 'Untyped',
      properties: { a: 1 },
    });
    expect(await canonicalOf(lenient, bodyOf({ type: 'page' }))).toMatchObject({ type: 'page' });
    expect(await outcomeOf(source, bodyOf({ a: 1 }))).toMatchObject({
      ok: false,
      errors: [{ path: '/type' }],
    });
  });

  it.each([
    ['nothing', '', 'BODY_EMPTY'],
    ['blanks', ' \r\n\t', 'BODY_EMPTY'],
    ['broken JSON', '{"a":', 'BODY_MALFORMED'],
    ['a batch over the limit', `[${Array(5001).fill('1').join(',')}]`, 'LIMIT_EXCEEDED'],
  ])('of %s is refused', async (_what, body, code) => {
    expect(await codeOf(() => source.decode(deliveryOf({ body })))).toBe(code);
  });
});

describe('a batch', () => {
  it('is an array, of any length and of anything', async () => {
    expect(await decode(source, bodyOf([]))).toEqual({ batch: true, events: [] });
    expect(await decode(source, bodyOf([{ type: 'track' }]))).toEqual({
      batch: true,
      events: [{ value: { type: 'track' } }],
    });
    expect(await valuesOf(source, bodyOf([1, null, 'a', [], {}]))).toEqual([1, null, 'a', [], {}]);
    expect((await valuesOf(source, bodyOf(Array(5000).fill(1)))).length).toBe(5000);
  });

  it('is an object with a batch, whatever stands beside it', async () => {
    expect(await decode(source, bodyOf({ batch: [] }))).toEqual({ batch: true, events: [] });
    expect(await valuesOf(source, bodyOf({ type: 'batch', batch: [{ a: 1 }, 2] }))).toEqual([
      { a: 1 },
      2,
    ]);
  });

  it('of the Extensible Webhook is taken out of its wrappers', async () => {
    const wrapped = [
      { json: { type: 'track', event: 'A' } },
      { body: 'type=track&event=B' },
      { json: { type: 'track' }, type: 'page' },
      { json: 'text' },
    ];
    expect(await valuesOf(source, bodyOf(wrapped))).toEqual([
      { type: 'track', event: 'A' },
      { type: 'track', event: 'B' },
      { json: { type: 'track' }, type: 'page' },
      { json: 'text' },
    ]);
  });
});

describe('what stands beside a batch', () => {
  const shared = {
    context: { app: 'shared', ip: '1.2.3.4' },
    integrations: { All: true, Slack: false },
    sentAt: '2026-01-02T03:04:05.000Z',
    writeKey: 'a-write-key',
    other: 1,
  };
  const itemOf = async (item: JsonValue, envelope: object = shared) => {
    const [value] = await valuesOf(source, bodyOf({ ...envelope, batch: [item] }));
    return value;
  };

  it('is every item’s: context, integrations and sentAt, and nothing else', async () => {
    const { context, integrations, sentAt } = shared;
    expect(await itemOf({ type: 'track' })).toEqual({
      type: 'track',
      context,
      integrations,
      sentAt,
    });
  });

  it('gives way to what an item says itself, member by member', async () => {
    const own = {
      type: 'track',
      context: { ip: '5.6.7.8', page: {} },
      integrations: { Slack: true },
      sentAt: '2026-01-02T00:00:00.000Z',
    };
    expect(await itemOf(own)).toEqual({
      ...own,
      context: { app: 'shared', ip: '5.6.7.8', page: {} },
      integrations: { All: true, Slack: true },
    });
  });

  it('gives its sentAt to an item that has null there, as RudderStack’s library in pages writes it', async () => {
    expect(await itemOf({ sentAt: null })).toMatchObject({ sentAt: shared.sentAt });
  });

  it('is taken over by an item whose own context is null, and not by one whose is no object', async () => {
    for (const context of [null, []]) {
      expect(await itemOf({ context, integrations: 'none' })).toMatchObject({
        context: shared.context,
        integrations: 'none',
      });
    }
  });

  it('is left alone where it is no object itself', async () => {
    expect(await itemOf({ type: 'track' }, { context: 'text', integrations: [1] })).toEqual({
      type: 'track',
    });
  });

  it('does not touch items that are no objects', async () => {
    expect(await itemOf(null)).toBeNull();
    expect(await itemOf(['a'])).toEqual(['a']);
  });

  it('is not copied where copies of it would fill the store: the events go into quarantine', async () => {
    const context = { filler: 'x'.repeat(100_000) };
    const batch = (length: number) => Array.from({ length }, () => ({ type: 'page' }));
    const decodeBatch = (length: number) =>
      decode(source, bodyOf({ context, batch: batch(length) }));
    const [first, ...others] = (await decodeBatch(200)).events;
    expect(others).toHaveLength(199);
    expect(first?.value).toEqual({ type: 'page' });
    expect(source.violationsOf?.(null, first?.sent ?? {})).toMatchObject([{ path: '' }]);
    const { events } = await decodeBatch(100);
    expect(events[99]).toEqual({ value: { type: 'page', context } });
    expect(source.violationsOf?.(null, {})).toEqual([]);
  });

  it('reaches the event inside a wrapper', async () => {
    expect(await itemOf({ json: { type: 'track' } }, { context: { a: 1 } })).toEqual({
      type: 'track',
      context: { a: 1 },
    });
  });
});
