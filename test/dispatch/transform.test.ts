import { describe, expect, it } from 'vitest';
import { applyTransform, type Transform } from '../../src/dispatch/transform.js';
import { FakeClock, idle } from './fake-clock.js';
import { anEvent } from './fakes.js';

const original = anEvent('m1');
const json = JSON.stringify(original);

async function run(transform: Transform): Promise<unknown[]> {
  const texts = await applyTransform(transform, json, 1_000, new FakeClock());
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

  it('keeps several events with one id apart, the same way each time', async () => {
    const twice: Transform = (event) => [event, { ...event, messageId: 'm1:2' }, event];
    const ids = [{ messageId: 'm1' }, { messageId: 'm1:2' }, { messageId: 'm1:3' }];
    expect(await run(twice)).toMatchObject(ids);
    expect(await run(twice)).toMatchObject(ids);
  });

  it.each([
    ['a text', () => 'x'],
    ['true', () => true],
    ['a list in a list', (event: unknown) => [[event]]],
    ['nothing inside a list', () => [undefined]],
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

  it('gives up on a promise after the timeout, and leaves no timer after one that came', async () => {
    const clock = new FakeClock();
    const outcome = applyTransform(() => new Promise(() => undefined), json, 1_000, clock);
    const failed = expect(outcome).rejects.toThrow('not done after 1000 ms');
    await clock.advance(1_000);
    await failed;
    await applyTransform(async (event) => event, json, 1_000, clock);
    await idle();
    expect(clock.sleeping).toBe(0);
  });
});
