import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Breaker, type Pass, type SinkReport } from '../../../src/dispatch/circuit/breaker.js';
import { FakeClock, idle } from '../fake-clock.js';

const NEVER = Number.POSITIVE_INFINITY;
const UP: SinkReport = { sink: 'up' };
const down = (more: Partial<SinkReport> = {}): SinkReport => ({
  sink: 'down',
  wait: 1_000,
  ...more,
});

/** A breaker with the longest waits, its lanes at work, and what it told. */
function aBreaker(lanes: number, retry = { initial: 1_000, max: 300_000, giveUpAfter: NEVER }) {
  const clock = new FakeClock();
  const told: string[] = [];
  const stop = new AbortController();
  const breaker = new Breaker({
    retry,
    clock,
    random: () => 1 - 2 ** -30,
    events: {
      opened: ({ failures, lanes: of, probeIn }) =>
        told.push(`opened after ${failures} of ${of}, probe in ${Math.round(probeIn)}`),
      closed: (openFor) => told.push(`closed after ${Math.round(openFor)}`),
    },
  });
  for (let lane = 0; lane < lanes; lane++) breaker.enter(lane);
  const passes = new Map<number, Pass>();
  const came: number[] = [];
  const ask = (lane: number, giveUpAt = NEVER): Promise<void> =>
    breaker.admit(lane, giveUpAt, stop.signal).then((pass) => {
      if (pass === undefined) return;
      passes.set(lane, pass);
      came.push(lane);
    });
  const end = (lane: number, report: SinkReport): void => {
    passes.get(lane)?.end(report);
    passes.delete(lane);
  };
  /** Fails these lanes one after the other. All of them were let through before, as lanes at work are. */
  const fail = async (order: readonly number[], report = down()): Promise<void> => {
    for (const lane of order) {
      if (!passes.has(lane)) void ask(lane, clock.monotonic());
      await idle();
      end(lane, report);
    }
    came.length = 0;
  };
  return { breaker, clock, told, stop, ask, end, fail, came };
}

describe('a circuit', () => {
  it('opens at the fifth failure in a row, and not while anything gets through in between', async () => {
    const { breaker, fail, told } = aBreaker(2);
    await fail([0, 1, 0, 1]);
    await fail([0], UP);
    await fail([0, 1, 0, 1]);
    expect(breaker.state).toBe('closed');
    await fail([0]);
    expect(breaker.state).toBe('open');
    expect(told).toEqual(['opened after 5 of 2, probe in 1000']);
  });

  it('stays closed for one event that always fails while another lane has work', async () => {
    const { breaker, fail } = aBreaker(2);
    await fail([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(breaker.state).toBe('closed');
    breaker.leave(1);
    await fail([0]);
    expect(breaker.state).toBe('open');
  });

  it('that one lane opened lets a lane that brings something new probe at once, and keeps the backoff of the other', async () => {
    const { ask, breaker, came, clock, end, fail, told } = aBreaker(1);
    await fail([0, 0, 0, 0, 0], down({ wait: 200_000 }));
    expect(told).toEqual(['opened after 5 of 1, probe in 200000']);
    void ask(0);
    await idle();
    expect(came).toEqual([]);
    expect(breaker.view()).toMatchObject({ circuit: 'open', nextProbeInMs: 200_000 });
    breaker.enter(1);
    void ask(1);
    await idle();
    expect(came).toEqual([1]);
    end(1, UP);
    await clock.advance(199_999);
    expect(came).toEqual([1]);
    await clock.advance(1);
    expect(came).toEqual([1, 0]);
  });

  it('lets one lane at a time probe, at growing distances up to half a minute', async () => {
    const { ask, breaker, came, clock, end, fail } = aBreaker(4);
    await fail([0, 1, 2, 3, 0], down({ wait: 600_000 }));
    for (const lane of [0, 1, 2, 3]) void ask(lane);
    const times: number[] = [];
    let last = clock.monotonic();
    while (times.length < 9) {
      await clock.until(() => came.length > 0);
      times.push(Math.round(clock.monotonic() - last));
      expect(breaker.view().circuit).toBe('half-open');
      await clock.advance(700);
      expect(came).toHaveLength(1);
      last = clock.monotonic();
      const lane = Number(came.pop());
      end(lane, down({ wait: 600_000 }));
      void ask(lane);
    }
    expect(times).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  });

  it('probes with a lane that has not failed first, then with the one that failed longest ago', async () => {
    const { ask, came, clock, end, fail } = aBreaker(4);
    await fail([0, 1, 0, 1, 0]);
    for (const lane of [0, 1, 2, 3]) void ask(lane);
    const order: number[] = [];
    while (order.length < 6) {
      await clock.until(() => came.length > 0);
      const lane = Number(came.pop());
      order.push(lane);
      end(lane, down());
      void ask(lane);
    }
    expect(order).toEqual([2, 3, 1, 0, 2, 3]);
  });

  it('closes for all lanes at once when a probe gets through, whatever they had to wait', async () => {
    const { ask, breaker, came, clock, end, fail, told } = aBreaker(3);
    await fail([0, 1, 2, 0, 1], down({ wait: 200_000 }));
    for (const lane of [0, 1, 2]) void ask(lane);
    const since = clock.now();
    expect(breaker.view()).toEqual({ circuit: 'open', circuitSince: since, nextProbeInMs: 1000 });
    await clock.until(() => came.length > 0);
    expect(breaker.view()).toEqual({ circuit: 'half-open', circuitSince: since });
    await clock.advance(50);
    end(2, UP);
    await idle();
    expect(came).toEqual([2, 0, 1]);
    expect(breaker.view()).toEqual({ circuit: 'closed', circuitSince: clock.now() });
    expect(told.at(-1)).toBe('closed after 1050');
  });

  it('closes when an attempt from before it opened gets through; the probe that fails after that counts as one', async () => {
    const { ask, breaker, came, clock, end, fail } = aBreaker(3);
    await ask(2);
    await fail([0, 1, 0, 1, 0]);
    void ask(0);
    void ask(1);
    await clock.until(() => came.length > 0);
    expect(breaker.state).toBe('half-open');
    end(2, UP);
    await idle();
    expect(came.sort()).toEqual([0, 1]);
    end(0, down());
    end(1, down());
    expect(breaker.state).toBe('closed');
  });

  it('hands the probe on when a stop cuts it short', async () => {
    const { ask, breaker, came, clock, end, fail } = aBreaker(3);
    await fail([0, 1, 0, 1, 0]);
    for (const lane of [0, 1, 2]) void ask(lane);
    await clock.until(() => came.length > 0);
    end(Number(came.pop()), { sink: 'unknown' });
    await idle();
    expect(came).toHaveLength(1);
    expect(breaker.state).toBe('half-open');
  });
});

describe('Retry-After', () => {
  it('holds every lane, not only the one that got it', async () => {
    const { ask, breaker, came, clock, end } = aBreaker(3);
    await ask(0);
    end(0, down({ wait: 40_000, retryAfter: 40_000 }));
    came.length = 0;
    void ask(1);
    void ask(2);
    await clock.advance(39_999);
    expect([came, breaker.state]).toEqual([[], 'closed']);
    await clock.advance(1);
    expect(came).toEqual([1, 2]);
  });

  it('puts the next probe off where it is longer than the circuit is open', async () => {
    const { ask, breaker, came, clock, fail } = aBreaker(2);
    await fail([0, 1, 0, 1], down());
    await fail([0], down({ retryAfter: 90_000 }));
    void ask(0);
    void ask(1);
    expect(breaker.view()).toMatchObject({ nextProbeInMs: 90_000 });
    await clock.advance(89_999);
    expect(came).toEqual([]);
    await clock.advance(1);
    expect(came).toHaveLength(1);
  });

  it('holds no longer than events are kept', async () => {
    const retry = { initial: 1_000, max: 1_000, giveUpAfter: 10_000 };
    const { ask, came, clock, end } = aBreaker(2, retry);
    await ask(0);
    end(0, down({ wait: 10_000, retryAfter: 3_600_000 }));
    came.length = 0;
    void ask(1);
    await clock.advance(9_999);
    expect(came).toEqual([]);
    await clock.advance(1);
    expect(came).toEqual([1]);
  });

  it('is over once something that began later got through', async () => {
    const { ask, came, clock, end } = aBreaker(4);
    await ask(3);
    await ask(0);
    end(0, down({ wait: 90_000, retryAfter: 90_000 }));
    came.length = 0;
    void ask(1);
    end(3, UP);
    await clock.advance(1_000);
    expect(came).toEqual([]);
    void ask(2, clock.monotonic());
    await idle();
    end(2, UP);
    await idle();
    expect(came).toEqual([2, 1]);
  });
});

describe('an event that is about to be given up', () => {
  it('gets its last attempt though the circuit is open, which leaves the next probe where it was', async () => {
    const { ask, breaker, came, clock, end, fail } = aBreaker(3);
    await fail([0, 1, 0, 1, 0]);
    void ask(2);
    await clock.until(() => came.length > 0);
    end(2, down());
    came.length = 0;
    const now = clock.monotonic();
    void ask(0, now + 500);
    void ask(1, now + 600);
    await clock.advance(500);
    expect(came).toEqual([0]);
    // One at a time, too.
    await clock.advance(200);
    expect(came).toEqual([0]);
    end(0, down());
    await idle();
    expect(came).toEqual([0, 1]);
    end(1, down());
    expect(breaker.view()).toMatchObject({ circuit: 'open', nextProbeInMs: 1_300 });
  });
});

describe('a stop while the circuit is open', () => {
  it('lets everybody go at once, and leaves no timer and no listener behind', async () => {
    const { ask, came, clock, fail, stop } = aBreaker(4);
    await fail([0, 1, 2, 3, 0]);
    const asking = [0, 1, 2, 3].map((lane) => ask(lane));
    await idle();
    expect(clock.sleeping).toBe(1);
    stop.abort();
    await Promise.all(asking);
    expect([came, clock.sleeping]).toEqual([[], 0]);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  });
});

describe('a pass', () => {
  it('becomes stale when the circuit opens, unless it is the probe', async () => {
    const { ask, breaker, clock, fail, stop } = aBreaker(3);
    const early = await breaker.admit(2, NEVER, stop.signal);
    await fail([0, 1, 0, 1]);
    expect(early?.isStale).toBe(false);
    await fail([0]);
    expect(early?.isStale).toBe(true);
    early?.end({ sink: 'unknown' });
    const probe = breaker.admit(2, NEVER, stop.signal);
    void ask(0);
    await clock.advance(60_000);
    expect((await probe)?.isStale).toBe(false);
  });
});
