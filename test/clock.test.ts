import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../src/clock.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether a promise has resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  return done;
}

describe('the time', () => {
  it('of the wall is milliseconds since the epoch', () => {
    vi.setSystemTime(1_700_000_000_000);
    expect(systemClock.now()).toBe(1_700_000_000_000);
  });

  it('that passes does not follow the wall back', () => {
    const before = systemClock.monotonic();
    vi.setSystemTime(0);
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  });
});

describe('a sleep', () => {
  it('ends after its time', async () => {
    const sleep = systemClock.sleep(1000);
    vi.advanceTimersByTime(999);
    expect(await isDone(sleep)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await isDone(sleep)).toBe(true);
  });

  it('ends at once when its signal aborts, or has done so before, and never rejects', async () => {
    const controller = new AbortController();
    const sleep = systemClock.sleep(1000, controller.signal);
    controller.abort(new Error('enough'));
    expect(await isDone(sleep)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(await isDone(systemClock.sleep(1000, AbortSignal.abort()))).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, 'removeEventListener');
    const sleep = systemClock.sleep(1000, signal);
    vi.advanceTimersByTime(1000);
    await sleep;
    expect(remove).toHaveBeenCalledOnce();
  });

  it('of less than nothing is a turn', async () => {
    const sleep = systemClock.sleep(-5);
    vi.advanceTimersByTime(1);
    expect(await isDone(sleep)).toBe(true);
  });

  it('that is longer than a timer can be is as long as one can, not none', async () => {
    const sleep = systemClock.sleep(2 ** 40);
    vi.advanceTimersByTime(2 ** 31 - 2);
    expect(await isDone(sleep)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await isDone(sleep)).toBe(true);
  });
});
