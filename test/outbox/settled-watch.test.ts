import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { SettledWatch } from '../../src/outbox/settled-watch.js';
import { idle } from '../dispatch/fake-clock.js';

function watchOf(sinks: readonly string[]): SettledWatch {
  const watch = new SettledWatch();
  watch.configure(sinks);
  return watch;
}

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
    const watch = watchOf(['a', 'b']);
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
    const watch = watchOf(['a']);
    watch.settled('a', ['1']);
    await watch.wait(['1'], never);
  });

  it('remembers the last 10,000, and not twice as many', async () => {
    const watch = watchOf(['a']);
    watch.settled('a', ['first']);
    const ids = Array.from({ length: 20_000 }, (_, index) => `${index}`);
    watch.settled('a', ids.slice(0, 10_000));
    await watch.wait(['first', '0', '9999'], never);
    watch.settled('a', ids.slice(10_000));
    const waiter = watching(watch, ['first'], never);
    await watch.wait(['10000', '19999'], never);
    expect(waiter.over).toBe(false);
  });

  it('resolves at once without sinks or ids', async () => {
    await watchOf([]).wait(['1'], never);
    await watchOf(['a']).wait([], never);
  });

  it('lets go when the signal aborts, without a trace, and leaves other waiters alone', async () => {
    const watch = watchOf(['a', 'b']);
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
    const watch = watchOf(['a']);
    const waiter = watching(watch, ['1'], never);
    watch.release();
    await idle();
    expect(waiter.over).toBe(true);
    expect(watch.waiting).toBe(0);
    await watch.wait(['2'], never);
  });
});
