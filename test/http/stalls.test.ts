import { beforeEach, describe, expect, it } from 'vitest';
import { Stalls } from '../../src/http/stalls.js';
import { FakeClock } from '../dispatch/fake-clock.js';

const BUDGET = 1000;

let clock: FakeClock;
let stalls: Stalls;
beforeEach(() => {
  clock = new FakeClock();
  stalls = new Stalls(clock);
  stalls.start();
  stalls.stop();
  stalls.start();
});

/** The event loop runs for so long. */
async function run(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    await clock.advance(50);
    stalls.sample();
  }
}

describe('a process that did not run', () => {
  it('is the cause of a lateness if it took half of the budget', async () => {
    const begun = clock.monotonic();
    await run(500);
    await clock.advance(500);
    // Before the timer that looks has come to it.
    expect(stalls.tookMostOf(BUDGET, begun)).toBe(false);
    await clock.advance(1);
    expect(stalls.tookMostOf(BUDGET, begun)).toBe(true);
    stalls.sample();
    await run(500);
    expect(stalls.tookMostOf(BUDGET, begun)).toBe(true);
    stalls.stop();
  });

  it('is none where it was late by moments', async () => {
    const begun = clock.monotonic();
    for (let count = 0; count < 50; count++) {
      await clock.advance(140);
      stalls.sample();
    }
    expect(stalls.tookMostOf(BUDGET, begun)).toBe(false);
    stalls.stop();
  });

  it('counts for what had begun, as far as that met it, and not for what began later', async () => {
    await clock.advance(2000);
    const meanwhile = clock.monotonic();
    await clock.advance(490);
    stalls.sample();
    expect(stalls.tookMostOf(BUDGET, meanwhile)).toBe(false);
    expect(stalls.tookMostOf(BUDGET, meanwhile - 20)).toBe(true);
    expect(stalls.tookMostOf(BUDGET, clock.monotonic())).toBe(false);
    stalls.stop();
  });

  it('is forgotten when no request can have met it', async () => {
    await clock.advance(1000);
    stalls.sample();
    expect(stalls.tookMostOf(BUDGET, 0)).toBe(true);
    await run(30_000);
    expect(stalls.tookMostOf(BUDGET, 0)).toBe(false);
    stalls.stop();
  });

  it('is nobody’s concern before the start', async () => {
    const never = new Stalls(clock);
    await clock.advance(5000);
    expect(never.tookMostOf(BUDGET, 0)).toBe(false);
  });
});
