import { describe, expect, it } from 'vitest';
import { encodeAudienceSetUp, encodeAudiences } from '../../../src/workbench/emulate/audiences.js';
import { sampleEvent } from '../../../src/workbench/emulate/samples.js';
import type { Destination } from '../../../src/workbench/emulate/wire-request.js';

const to = (more: Partial<Destination> = {}): Destination => ({
  url: 'https://example.com/audiences',
  method: 'POST',
  headers: [],
  secret: 'secret',
  ...more,
});
const signature = (headers: readonly (readonly [string, string])[]) =>
  headers.find(([name]) => name === 'x-signature')?.[1];

describe('Webhook Audiences', () => {
  // Recorded from the destination's code (the facts' vector).
  it('merges the extras after the signature was taken', () => {
    const { body, headers } = encodeAudiences(
      [{ cool: true }],
      to({ extras: { nice: 'ok' } }),
      false,
    );
    expect(body).toBe('{"cool":true,"nice":"ok"}');
    expect(signature(headers)).toBe('8d703db8fa5272fe4c6e1bd3a01fce0c99c9f7a2');
  });

  it('merges them into every event of a batch, in place where the event has the member', () => {
    const { body } = encodeAudiences(
      [{ a: 1, b: 2 }, { b: 3 }],
      to({ extras: { a: 9, c: 4 } }),
      true,
    );
    expect(body).toBe('[{"a":9,"b":2,"c":4},{"b":3,"a":9,"c":4}]');
  });

  it('never signs what sets an audience up', () => {
    const { body, headers } = encodeAudienceSetUp(
      { audienceName: 'n' },
      to({ extras: { list: 7 } }),
    );
    expect(body).toBe('{"list":7,"audienceName":"n"}');
    expect(signature(headers)).toBeUndefined();
  });
});

it('makes up audiences entered and left, and traits, each as track and as identify', () => {
  const events = Array.from({ length: 6 }, (_, index) =>
    sampleEvent({ vendor: 'segment', type: 'engage', event: undefined, index, now: 0 }),
  );
  expect(events.map(({ type, event }) => event ?? type)).toEqual([
    ...['Audience Entered', 'identify', 'Audience Exited', 'identify'],
    ...['Trait Computed', 'identify'],
  ]);
  expect(events[2]?.['properties']).toEqual({
    audience_key: 'first_time_shopper',
    first_time_shopper: false,
  });
  for (const [index, { context, messageId }] of events.entries()) {
    expect(messageId).toMatch(/^personas_/);
    expect(context).toMatchObject({
      personas: { computation_class: index < 4 ? 'audience' : 'trait' },
    });
  }
});
