import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { budgetSpent, Deadlines } from '../../src/http/deadline.js';

describe('a deadline', () => {
  let deadlines: Deadlines;
  beforeEach(() => {
    // The clock and the timers go together.
    vi.useFakeTimers();
    deadlines = new Deadlines(systemClock);
  });
  afterEach(() => void vi.useRealTimers());

  it('aborts when what is left of the budget is over, and not before', () => {
    const signal = deadlines.in(4500);
    vi.advanceTimersByTime(4499);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal.aborted).toBe(true);
  });

  it('has passed already where nothing is left', () => {
    for (const left of [0, -1, Number.NEGATIVE_INFINITY]) {
      expect(deadlines.in(left).aborted, String(left)).toBe(true);
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is shared by requests that come within ten milliseconds, and never comes late', () => {
    const first = deadlines.in(4500);
    vi.advanceTimersByTime(9);
    const second = deadlines.in(4500);
    vi.advanceTimersByTime(1);
    const third = deadlines.in(4500);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(vi.getTimerCount()).toBe(2);
    vi.advanceTimersByTime(4490);
    expect([first.aborted, third.aborted]).toEqual([true, false]);
    vi.advanceTimersByTime(10);
    expect(third.aborted).toBe(true);
  });

  it('is not that of a later one, where less of the budget is left', () => {
    const whole = deadlines.in(4500);
    const little = deadlines.in(100);
    expect(little).not.toBe(whole);
    vi.advanceTimersByTime(100);
    expect([little.aborted, whole.aborted]).toEqual([true, false]);
  });

  it('never comes more than ten milliseconds early, whatever else is due', () => {
    const aborts: number[] = [];
    for (const left of [4500, 4400, 4496, 30, 4500, 4493, 5, 4499, 12, 4500]) {
      const due = systemClock.monotonic() + left;
      const early = (): void => void aborts.push(due - systemClock.monotonic());
      const signal = deadlines.in(left);
      if (signal.aborted) early();
      else signal.addEventListener('abort', early);
      vi.advanceTimersByTime(3);
    }
    vi.advanceTimersByTime(5000);
    expect(aborts).toHaveLength(10);
    expect(Math.min(...aborts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...aborts)).toBeLessThan(10);
  });

  it('warns of no leak, however many wait for it', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const signal = deadlines.in(4500);
    for (let count = 0; count < 100; count++) signal.addEventListener('abort', () => count);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
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
