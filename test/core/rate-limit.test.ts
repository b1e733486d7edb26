import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../src/core/rate-limit.js';
import { FakeClock } from '../dispatch/fake-clock.js';

describe('a rate limit', () => {
  it('lets a burst pass, then says how long to wait', () => {
    const limit = new RateLimit({ perSecond: 2, burst: 3 }, new FakeClock());
    expect([limit.take(), limit.take(), limit.take()]).toEqual([0, 0, 0]);
    expect(limit.take()).toBe(500);
    // Being refused costs nothing.
    expect(limit.take()).toBe(500);
  });

  it('lets one pass after the time it said', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit({ perSecond: 2, burst: 1 }, clock);
    limit.take();
    await clock.advance(499);
    expect(limit.take()).toBeCloseTo(1);
    await clock.advance(1);
    expect(limit.take()).toBe(0);
    expect(limit.take()).toBe(500);
  });

  it('saves up no more than the burst', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit({ perSecond: 100, burst: 2 }, clock);
    await clock.advance(3_600_000);
    expect([limit.take(), limit.take()]).toEqual([0, 0]);
    expect(limit.take()).toBeGreaterThan(0);
  });

  it('is divided among the processes that share it, and lets one delivery pass in each', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit({ perSecond: 6, burst: 6 }, clock);
    limit.divide(3);
    expect([limit.take(), limit.take()]).toEqual([0, 0]);
    expect(limit.take()).toBe(500);
    await clock.advance(500);
    expect(limit.take()).toBe(0);
    limit.divide(20);
    expect(limit.take()).toBeCloseTo(3_333, 0);
    await clock.advance(3_334);
    expect(limit.take()).toBe(0);
    limit.divide(1);
    await clock.advance(1_000);
    expect(Array.from({ length: 7 }, () => limit.take() === 0)).toEqual([
      ...Array(6).fill(true),
      false,
    ]);
  });

  it('looks at the time that passes, not at the clock on the wall', () => {
    const clock = new FakeClock();
    const limit = new RateLimit({ perSecond: 1, burst: 1 }, clock);
    limit.take();
    clock.jump(-3_600_000);
    expect(limit.take()).toBe(1000);
    clock.jump(7_200_000);
    expect(limit.take()).toBe(1000);
  });

  it('never lets more pass than the rate and the burst allow', async () => {
    const steps = fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 60 });
    const rate = fc.record({
      perSecond: fc.double({ min: 0.1, max: 20, noNaN: true }),
      burst: fc.integer({ min: 1, max: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(rate, steps, async (options, waits) => {
        const clock = new FakeClock();
        const limit = new RateLimit(options, clock);
        let passed = 0;
        for (const wait of waits) {
          await clock.advance(wait);
          if (limit.take() === 0) passed++;
          const most = options.burst + (options.perSecond * clock.monotonic()) / 1000;
          expect(passed).toBeLessThanOrEqual(most + 1e-6);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('lets the burst pass of many that come at once, and then one for each that the rate earns', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit({ perSecond: 2.5, burst: 7 }, clock);
    const passOf = (count: number): number =>
      Array.from({ length: count }, () => limit.take()).filter((wait) => wait === 0).length;
    expect(passOf(100)).toBe(7);
    await clock.advance(399);
    expect(passOf(100)).toBe(0);
    await clock.advance(1);
    expect(passOf(100)).toBe(1);
    await clock.advance(2000);
    expect(passOf(100)).toBe(5);
  });

  it('lets one pass that waits for exactly as long as it was told, whatever the fractions', async () => {
    const rate = fc.record({
      perSecond: fc.double({ min: 0.01, max: 1000, noNaN: true }),
      burst: fc.integer({ min: 1, max: 5 }),
    });
    const pauses = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(rate, pauses, async (options, waits) => {
        const clock = new FakeClock();
        const limit = new RateLimit(options, clock);
        for (const pause of waits) {
          await clock.advance(pause);
          const wait = limit.take();
          if (wait === 0) continue;
          await clock.advance(wait);
          expect(limit.take()).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('never asks to wait for longer than an hour', () => {
    const limit = new RateLimit({ perSecond: 1e-9, burst: 1 }, new FakeClock());
    expect(limit.take()).toBe(0);
    expect(limit.take()).toBe(3_600_000);
  });
});
