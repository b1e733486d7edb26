import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/decode/limits.js';
import { toRawEvents, unwrapJsonMember } from '../../src/decode/unwrap.js';
import { refusalOf } from './refusal.js';

describe('the events of a body', () => {
  it.each([
    { type: 'track' },
    42,
    null,
    'text',
    { batch: 'no array' },
    { type: 'track', batch: [1] },
  ])('are one event: %j', (value) =>
    expect(toRawEvents(value, LIMITS)).toEqual({ batch: false, events: [value] }),
  );

  it.each([[[]], [[{ type: 'track' }]], [[{ type: 'track' }, null, 1]]])(
    'are a batch: %j',
    (value) => {
      expect(toRawEvents(value, LIMITS)).toEqual({ batch: true, events: value });
    },
  );

  it('are the batch member, beside what stands for all of them', () => {
    const value = { batch: [{ type: 'track' }], sentAt: 'now', context: { ip: '1.2.3.4' } };
    expect(toRawEvents(value, LIMITS)).toEqual({
      batch: true,
      events: [{ type: 'track' }],
      envelope: { sentAt: 'now', context: { ip: '1.2.3.4' } },
    });
    expect(toRawEvents({ type: 'batch', batch: [] }, LIMITS)).toEqual({
      batch: true,
      events: [],
      envelope: { type: 'batch' },
    });
  });

  it('are refused where there are over the limit', () => {
    const events = (count: number) => Array.from({ length: count }, () => 0);
    expect(toRawEvents(events(LIMITS.events), LIMITS).events).toHaveLength(5_000);
    for (const value of [events(LIMITS.events + 1), { batch: events(LIMITS.events + 1) }]) {
      expect(refusalOf(() => toRawEvents(value, LIMITS))).toMatchObject({
        code: 'LIMIT_EXCEEDED',
        status: 400,
      });
    }
  });
});

describe("an element of Segment's Extensible Webhook", () => {
  it('is the object in its only member json', () => {
    expect(unwrapJsonMember({ json: { type: 'track' } }, LIMITS)).toEqual({ type: 'track' });
  });

  it('is the form in its only member body', () => {
    const element = { body: 'type=track&name=a+b%26c&properties=%7B%22n%22%3A1%7D' };
    expect(unwrapJsonMember(element, LIMITS)).toEqual({
      type: 'track',
      name: 'a b&c',
      properties: { n: 1 },
    });
  });

  it.each([
    { json: { type: 'track' }, type: 'page' },
    { json: [1] },
    { json: 'text' },
    { json: null },
    { body: 'no form' },
    { body: 'a=%E9' },
    { body: { type: 'track' } },
    { type: 'track' },
    [{ json: {} }],
    null,
    7,
  ])('is left as it is: %j', (element) => {
    expect(unwrapJsonMember(element, LIMITS)).toBe(element);
  });
});
