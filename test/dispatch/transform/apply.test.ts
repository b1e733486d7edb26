import { describe, expect, it, vi } from 'vitest';
import { applyTransform, type Transform } from '../../../src/dispatch/transform/apply.js';
import { anEvent } from '../fakes.js';

const original = anEvent('m1');
const json = JSON.stringify(original);

async function run(transform: Transform): Promise<unknown[]> {
  const texts = await applyTransform(transform, json);
  return texts.map((text) => JSON.parse(text));
}

describe('applyTransform', () => {
  it('takes one event, several, or nothing, also as a promise', async () => {
    expect(await run((event) => event)).toEqual([original]);
    expect(await run(async (event) => event)).toEqual([original]);
    expect(await run(() => undefined)).toEqual([]);
    expect(await run(() => null)).toEqual([]);
    expect(await run(() => [])).toEqual([]);
    const two = await run((event) => [
      { ...event, messageId: 'a' },
      { ...event, messageId: 'b' },
    ]);
    expect(two).toMatchObject([{ messageId: 'a' }, { messageId: 'b' }]);
  });

  it('fills in what sinks rely on, but never a context that was taken out', async () => {
    expect(await run(() => ({ type: 'track', event: 'Small' }))).toEqual([
      {
        type: 'track',
        event: 'Small',
        messageId: 'm1',
        context: {},
        integrations: {},
        timestamp: original.timestamp,
        receivedAt: original.receivedAt,
        receipt: original.receipt,
      },
    ]);
  });

  it('keeps the integrations and the context that the transform set', async () => {
    const set = { integrations: { All: false }, context: { locale: 'de' } };
    expect(await run(() => ({ type: 'track', event: 'Small', ...set }))).toMatchObject([set]);
    const wrong = { integrations: 'none', context: ['de'] };
    expect(await run(() => ({ type: 'track', event: 'Small', ...wrong }))).toMatchObject([
      { integrations: {}, context: {} },
    ]);
  });

  it('keeps several events with one id apart, the same way each time', async () => {
    const twice: Transform = (event) => [event, { ...event, messageId: 'm1:2' }, event];
    const ids = [{ messageId: 'm1' }, { messageId: 'm1:2' }, { messageId: 'm1:3' }];
    expect(await run(twice)).toMatchObject(ids);
    expect(await run(twice)).toMatchObject(ids);
  });

  it('keeps apart ids that look like numbered ones, in a number of looks that grows with the events', async () => {
    const has = vi.spyOn(Set.prototype, 'has');
    const looks = async (events: number): Promise<number> => {
      has.mockClear();
      const same = await run((event) => Array.from({ length: events }, () => event));
      expect(new Set(same.map((event) => Object(event).messageId)).size).toBe(events);
      return has.mock.calls.length;
    };
    try {
      expect(await looks(1_000)).toBeLessThan(2.5 * (await looks(500)));
    } finally {
      has.mockRestore();
    }
    const mixed = ['m1:3', 'm1', 'm1', 'm1', 'm1:2', 'm1'];
    expect(await run((event) => mixed.map((messageId) => ({ ...event, messageId })))).toMatchObject(
      ['m1:3', 'm1', 'm1:2', 'm1:4', 'm1:2:2', 'm1:5'].map((messageId) => ({ messageId })),
    );
  });

  it('refuses more events than one may become, and says so', async () => {
    const copies = (count: number) => run((event) => Array.from({ length: count }, () => event));
    expect(await copies(1_000)).toHaveLength(1_000);
    await expect(copies(15_500)).rejects.toThrow(
      'it returned 15500 events for one, and at most 1000 are allowed; return fewer',
    );
  });

  it('refuses more text than one may become, however few the events are', async () => {
    const text = 'x'.repeat(1.5 * 1024 * 1024);
    const copies = (count: number) =>
      run((event) => Array.from({ length: count }, () => ({ ...event, properties: { text } })));
    expect(await copies(2)).toHaveLength(2);
    await expect(copies(3)).rejects.toThrow(/more than 4194304 characters of JSON together/);
  });

  it('gives each event the deduplication key of its own messageId', async () => {
    const keys = ['segment:m1', 'segment:m1:2', 'segment:other'];
    const events = await run((event) => [event, event, { ...event, messageId: 'other' }]);
    expect(events).toMatchObject(keys.map((dedupeKey) => ({ receipt: { dedupeKey } })));
  });

  it.each([
    ['a text', () => 'x'],
    ['true', () => true],
    ['a list in a list', (event: unknown) => [[event]]],
    ['nothing inside a list', () => [undefined]],
    ['a list of holes', () => new Array(2)],
    ['an event without a type', () => ({ messageId: 'm1' })],
    ['an event with an empty type', () => ({ type: '' })],
    ['an id that is no text', () => ({ type: 'track', messageId: 7 })],
  ])('refuses %s', async (_, transform) => {
    await expect(run(transform)).rejects.toThrow(/^it returned/);
  });

  it('fails with what the transform threw', async () => {
    const thrower = () => {
      throw new Error('no such field');
    };
    await expect(run(thrower)).rejects.toThrow('no such field');
    await expect(run(async () => thrower())).rejects.toThrow('no such field');
  });
});
