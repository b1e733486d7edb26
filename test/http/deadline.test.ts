import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TrackbridgeError } from '../../src/errors.js';
import { budgetSpent, Deadline, within } from '../../src/http/deadline.js';
import { errorOf } from './requests.js';

const late = (): TrackbridgeError => new TrackbridgeError('BUDGET_SPENT', 'late');

describe('a deadline', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('aborts when what is left of the budget is over, and not before', () => {
    const deadline = new Deadline(4500);
    vi.advanceTimersByTime(4499);
    expect(deadline.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(deadline.signal.aborted).toBe(true);
  });

  it('aborts with the next turn where nothing is left', () => {
    for (const left of [0, -1, Number.NEGATIVE_INFINITY]) {
      const deadline = new Deadline(left);
      vi.advanceTimersByTime(1);
      expect(deadline.signal.aborted, String(left)).toBe(true);
    }
  });

  it('leaves no timer behind once it is cleared', () => {
    const deadline = new Deadline(1000);
    deadline.clear();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(5000);
    expect(deadline.signal.aborted).toBe(false);
  });
});

describe('work within a deadline', () => {
  it('gives its result, or its own error', async () => {
    const { signal } = new AbortController();
    expect(await within(Promise.resolve(5), signal, late)).toBe(5);
    const own = new Error('own');
    expect(await errorOf(() => within(Promise.reject(own), signal, late))).toBe(own);
  });

  it('is given up when the signal aborts, or has done so before', async () => {
    const never = new Promise<void>(() => undefined);
    const controller = new AbortController();
    const waiting = errorOf(() => within(never, controller.signal, late));
    controller.abort();
    expect(await waiting).toMatchObject({ code: 'BUDGET_SPENT' });
    expect(await errorOf(() => within(never, AbortSignal.abort(), late))).toMatchObject({
      code: 'BUDGET_SPENT',
    });
  });

  it('that fails after that surfaces nowhere', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    let fail = (_error: Error): void => undefined;
    const work = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    await errorOf(() => within(work, AbortSignal.abort(), late));
    fail(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    await within(Promise.resolve(), signal, late);
    await errorOf(() => within(Promise.reject(new Error('own')), signal, late));
    await new Promise((resolve) => setImmediate(resolve));
    expect(remove.mock.calls).toEqual(add.mock.calls.map(([name, listener]) => [name, listener]));
  });
});

describe('the error of a spent budget', () => {
  it('is a 503 that says what was slow', () => {
    expect(budgetSpent('the disk')).toMatchObject({
      status: 503,
      retryAfter: 1000,
      message: expect.stringMatching(/^the disk took longer than server\.budget/),
    });
  });
});
