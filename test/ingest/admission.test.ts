import { describe, expect, it } from 'vitest';
import type { LoadReading, ShedReason } from '../../src/core/observe.js';
import { Admission } from '../../src/ingest/admission.js';
import type { Admitted } from '../../src/ingest/admitted.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { observed } from '../support/observations.js';
import { readableLog } from './harness.js';

const PROBING = 50;

function admitting(limits: { maxConcurrent?: number; maxBodyBytes?: number } = {}) {
  const clock = new FakeClock();
  const { log, lines } = readableLog();
  const shed: ShedReason[] = [];
  const loads: LoadReading[] = [];
  const state = { loopDelay: 0, random: 0 };
  const observations = observed();
  observations.shed.subscribe(({ reason }) => shed.push(reason));
  observations.load.subscribe((reading) => loads.push(reading));
  const admission = new Admission({
    server: { budget: 1000, maxConcurrent: 1000, maxBodyBytes: 1000, ...limits },
    clock,
    log,
    observations,
    loopDelay: () => state.loopDelay,
    random: () => state.random,
  });
  const enter = (count: number): Admitted[] =>
    Array.from({ length: count }, () => admission.enter(0));
  const sample = async (times = 1): Promise<void> => {
    for (let at = 0; at < times; at++) {
      await clock.advance(200);
      admission.sample();
    }
  };
  return { admission, clock, enter, lines, loads, sample, shed, state };
}

const OVERLOADED = expect.objectContaining({ code: 'OVERLOADED', status: 503 });

describe('deliveries under way', () => {
  it('are let in up to the limit, and again as soon as one has left', () => {
    const { admission, enter, shed } = admitting({ maxConcurrent: 3 });
    const [first] = enter(3);
    expect(() => admission.enter(0)).toThrow(OVERLOADED);
    first?.leave();
    enter(1);
    expect(() => admission.enter(0)).toThrow(OVERLOADED);
    expect(shed).toEqual(['requests', 'requests']);
  });

  it('are asked to come again after 1 to 4 s, not all at once', () => {
    const { admission, state } = admitting({ maxConcurrent: 0 });
    const waits = [0, 0.5, 0.999].map((random) => {
      state.random = random;
      try {
        admission.enter(0);
      } catch (error) {
        return (error as { retryAfter: number }).retryAfter;
      }
      throw new Error('it was let in');
    });
    expect(waits).toEqual([1000, 2500, 3997]);
  });
});

describe('the bytes of bodies', () => {
  it('are counted as they come, and end the body that goes over the limit', () => {
    const { enter, shed } = admitting();
    const [first, second] = enter(2);
    first?.account(600);
    second?.account(400);
    expect(() => second?.account(1)).toThrow(OVERLOADED);
    second?.leave();
    // What it held is free again, also what it was rejected for.
    first?.account(400);
    expect(shed).toEqual(['bytes']);
  });

  it('that are announced keep a body out where they do not fit, and hold no place for it', () => {
    const { admission, enter } = admitting();
    enter(1)[0]?.account(600);
    expect(() => admission.enter(401)).toThrow(OVERLOADED);
    admission.enter(400);
    admission.enter(400).account(400);
    expect(() => admission.enter(1)).toThrow(OVERLOADED);
  });

  it('leave an eighth to small bodies while large ones are not verified', () => {
    const kb = 1024;
    const { admission, enter, shed } = admitting({ maxBodyBytes: 800 * kb });
    const [first, second, small] = enter(3);
    first?.account(600 * kb);
    second?.account(100 * kb);
    expect(() => second?.account(1)).toThrow(OVERLOADED);
    small?.account(60 * kb);
    second?.leave();
    // Who is verified is nobody's attack: its bytes count to the whole alone.
    first?.verified();
    admission.enter(0).account(140 * kb);
    expect(() => small?.account(1)).toThrow(OVERLOADED);
    first?.leave();
    admission.enter(0).account(500 * kb);
    expect(shed).toEqual(['bytes', 'bytes']);
  });

  it('may be more than the limit in a body that is alone', () => {
    const { admission } = admitting();
    const alone = admission.enter(5000);
    alone.account(5000);
    expect(() => admission.enter(0).account(1)).toThrow(OVERLOADED);
    alone.leave();
    admission.enter(1000).account(1000);
  });
});

describe('an event loop that is late', () => {
  it('keeps everybody out from the second sample on, until it is half as late', async () => {
    const { admission, enter, sample, shed, state } = admitting();
    state.loopDelay = 201;
    await sample();
    enter(1);
    await sample();
    expect(() => admission.enter(0)).toThrow(OVERLOADED);
    state.loopDelay = 101;
    await sample(3);
    expect(() => admission.enter(0)).toThrow(OVERLOADED);
    state.loopDelay = 100;
    await sample();
    enter(1);
    state.loopDelay = 200;
    await sample(5);
    enter(1);
    expect(shed).toEqual(['event_loop', 'event_loop']);
  });

  it('is measured by its own clock, and shows in the metrics', async () => {
    const { enter, loads, sample, state } = admitting();
    enter(2)[0]?.account(10);
    state.loopDelay = 7;
    await sample();
    expect(loads).toEqual([{ loopDelay: 7, deliveries: 2, bodyBytes: 10 }]);
  });
});

describe('an outbox that is slow', () => {
  it('keeps a crowd out by the age of the oldest that waits, however many come and go', async () => {
    const { admission, clock, enter, sample, shed } = admitting();
    const [first, second] = enter(PROBING + 1);
    first?.appending(clock.monotonic());
    await sample();
    second?.appending(clock.monotonic());
    await sample(1);
    enter(1);
    await sample(2);
    expect(() => admission.enter(0)).toThrow(OVERLOADED);
    expect(shed).toEqual(['outbox']);
    // The oldest is through; the next has waited 600 ms, which is no recovery yet.
    first?.appended();
    await sample();
    expect(() => admission.enter(0)).toThrow(OVERLOADED);
    second?.appended();
    await sample();
    enter(1);
  });
});

describe('the log', () => {
  it('has one line when shedding begins and one when nothing was rejected for five seconds', async () => {
    const { admission, enter, lines, sample } = admitting({ maxConcurrent: 1 });
    const [only] = enter(1);
    const refuse = (): void => expect(() => admission.enter(0)).toThrow(OVERLOADED);
    refuse();
    refuse();
    await sample(20);
    refuse();
    expect(lines()).toMatchObject([{ level: 'warn', code: 'OVERLOADED', reason: 'requests' }]);
    only?.leave();
    await sample(24);
    expect(lines()).toHaveLength(1);
    await sample(1);
    expect(lines()[1]).toMatchObject({ level: 'info', rejected: 3, seconds: 4 });
    await sample(50);
    expect(lines()).toHaveLength(2);
    enter(1);
    refuse();
    expect(lines()).toHaveLength(3);
  });
});
