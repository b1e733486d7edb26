import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { SettledWatch } from '../../src/dispatch/settled-watch.js';
import { idle } from './fake-clock.js';

function watching(watch: SettledWatch, ids: readonly string[], signal: AbortSignal) {
  const state = { over: false };
  void watch.wait(ids, signal).then(() => {
    state.over = true;
  });
  return state;
}

describe('SettledWatch', () => {
  let never: AbortSignal;

  beforeEach(() => {
    never = new AbortController().signal;
  });

  it('resolves once every sink has settled every id', async () => {
    const watch = new SettledWatch(['a', 'b']);
    const waiter = watching(watch, ['1', '2', '2'], never);
    watch.settled('a', ['1', '2', '3']);
    watch.settled('b', ['2']);
    await idle();
    expect(waiter.over).toBe(false);
    watch.settled('b', ['1']);
    await idle();
    expect(waiter.over).toBe(true);
    expect(watch.waiting).toBe(0);
  });

  it('knows what was settled before anybody asked', async () => {
    const watch = new SettledWatch(['a']);
    watch.settled('a', ['1']);
    await watch.wait(['1'], never);
  });

  it('remembers only so many', async () => {
    const watch = new SettledWatch(['a']);
    watch.settled('a', ['first']);
    watch.settled(
      'a',
      Array.from({ length: 10_000 }, (_, index) => `${index}`),
    );
    const waiter = watching(watch, ['first'], never);
    await watch.wait(['0', '9999'], never);
    expect(waiter.over).toBe(false);
  });

  it('resolves at once without sinks or ids', async () => {
    await new SettledWatch([]).wait(['1'], never);
    await new SettledWatch(['a']).wait([], never);
  });

  it('lets go when the signal aborts, without a trace, and leaves other waiters alone', async () => {
    const watch = new SettledWatch(['a', 'b']);
    const impatient = new AbortController();
    const gone = watching(watch, ['1', '2'], impatient.signal);
    const stays = watching(watch, ['1'], never);
    impatient.abort();
    await idle();
    expect([gone.over, stays.over]).toEqual([true, false]);
    expect(watch.waiting).toBe(2);
    watch.settled('a', ['1']);
    watch.settled('b', ['1']);
    await idle();
    expect(stays.over).toBe(true);
    expect(watch.waiting).toBe(0);
    await watch.wait(['9'], impatient.signal);
    expect(getEventListeners(never, 'abort')).toHaveLength(0);
  });

  it('lets everybody go at the end', async () => {
    const watch = new SettledWatch(['a']);
    const waiter = watching(watch, ['1'], never);
    watch.release();
    await idle();
    expect(waiter.over).toBe(true);
    expect(watch.waiting).toBe(0);
  });
});
