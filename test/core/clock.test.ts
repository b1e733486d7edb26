import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock, timeLimit, within, withinTime } from '../../src/core/clock.js';

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

describe('waiting with a limit', () => {
  const late = (): never => {
    throw new Error('too late');
  };

  it('settles as the work does, and leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    expect(await within(Promise.resolve(7), signal, late)).toBe(7);
    await expect(within(Promise.reject(new Error('no')), signal, late)).rejects.toThrow('no');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('settles as `late` does once the signal aborts, and ignores what the work rejects with later', async () => {
    const controller = new AbortController();
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const waits = [
      within(work, controller.signal, () => 'late'),
      within(work, controller.signal, late),
    ];
    controller.abort();
    expect(await waits[0]).toBe('late');
    await expect(waits[1]).rejects.toThrow('too late');
    fail(new Error('nobody waits any more'));
    expect(await within(Promise.resolve(7), controller.signal, () => 'late')).toBe('late');
  });

  it('ends with the time on the clock, and leaves no timer behind', async () => {
    const never = new Promise<never>(() => undefined);
    const waiting = withinTime(never, 1000, systemClock, () => 'late');
    await vi.advanceTimersByTimeAsync(999);
    expect(await isDone(waiting.then(() => undefined))).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await waiting).toBe('late');
    expect(await withinTime(Promise.resolve(7), 1000, systemClock, late)).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('limits time to a fraction of a millisecond, as the rest of a longer time can be', () => {
  expect(timeLimit(858.97).aborted).toBe(false);
  expect(timeLimit(-0.5).aborted).toBe(false);
});
