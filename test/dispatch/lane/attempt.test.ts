import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ABORT_GRACE, attempt, type Outcome } from '../../../src/dispatch/lane/attempt.js';
import { toSinkEvent } from '../../../src/dispatch/routing/format.js';
import { DELIVERED, SinkError } from '../../../src/sinks/sink.js';
import { FakeClock, idle } from '../fake-clock.js';
import { anEvent, type Deliver, FakeSink, hang } from '../fakes.js';

const batch = ['m1', 'm2'].map((id) => toSinkEvent(JSON.stringify(anEvent(id)), 'canonical'));

function start(deliver: Deliver) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const state: { outcome?: Outcome } = {};
  void attempt(new FakeSink(deliver), batch, { clock, timeout: 5_000, stop: stop.signal }).then(
    (outcome) => {
      state.outcome = outcome;
    },
  );
  return { clock, stop, state };
}

async function outcomeOf(deliver: Deliver): Promise<Outcome | undefined> {
  const { clock, state, stop } = start(deliver);
  await idle();
  expect(clock.sleeping).toBe(0);
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  return state.outcome;
}

const untilAborted = (settle: (reason: unknown) => ReturnType<Deliver>): Deliver => {
  return (_, signal) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(settle(signal.reason)));
    });
};

describe('attempt', () => {
  it('hands on the results of a sink', async () => {
    const results = [DELIVERED, { ok: false, retryable: true, message: 'x' }];
    expect(await outcomeOf(async () => results as never)).toEqual({ kind: 'results', results });
  });

  it('believes a SinkError, and anything shaped like one', async () => {
    const details = { retryable: false, retryAfter: 3 };
    const expected = { kind: 'failed', failure: { ...details, message: 'no' } };
    const throwing = (error: Error) => outcomeOf(() => Promise.reject(error));
    expect(await throwing(new SinkError('no', details))).toEqual(expected);
    expect(await throwing(Object.assign(new Error('no'), details))).toEqual(expected);
  });

  it('takes a fault of a sink for transient, without the password of an address', async () => {
    const outcome = await outcomeOf(() => {
      throw new TypeError('no route\nto https://user:pw@example.com/x');
    });
    expect(outcome).toEqual({
      kind: 'failed',
      failure: {
        retryable: true,
        message: 'the sink failed unexpectedly: no route to https://***@example.com/x',
      },
    });
  });

  it.each([
    ['too few results', [DELIVERED]],
    ['too many results', [DELIVERED, DELIVERED, DELIVERED]],
    ['no list', undefined],
    ['a result that is none', [DELIVERED, undefined]],
    ['a failure without a message', [DELIVERED, { ok: false, retryable: true }]],
    ['a failure that says nothing about a retry', [DELIVERED, { ok: false, message: 'no' }]],
    ['an outcome that is neither', [DELIVERED, { ok: 'no', retryable: true, message: 'no' }]],
  ])('takes %s for transient', async (_, results) => {
    expect(await outcomeOf(async () => results as never)).toMatchObject({
      failure: {
        retryable: true,
        message: 'the sink did not return one result for each of 2 events',
      },
    });
  });

  it('aborts with a TimeoutError after the timeout, and calls what was thrown then transient', async () => {
    const reasons: unknown[] = [];
    const { clock, state } = start(
      untilAborted((reason) => {
        reasons.push(reason);
        return Promise.reject(new SinkError('broken off', { retryable: false }));
      }),
    );
    await clock.advance(4_999);
    expect(state.outcome).toBeUndefined();
    await clock.advance(1);
    expect(reasons).toMatchObject([{ name: 'TimeoutError' }]);
    expect(state.outcome).toMatchObject({
      failure: { retryable: true, message: 'no result after 5000 ms' },
    });
    expect(clock.sleeping).toBe(0);
  });

  it('still takes results that arrive after the timeout', async () => {
    const { clock, state } = start(untilAborted(async () => [DELIVERED, DELIVERED]));
    await clock.advance(5_000);
    expect(state.outcome).toMatchObject({ kind: 'results' });
  });

  it('does not wait for a sink that ignores its signal', async () => {
    const { clock, state } = start(hang);
    await clock.advance(5_000 + ABORT_GRACE);
    expect(state.outcome).toMatchObject({
      failure: { retryable: true, message: expect.stringContaining('ignored the signal to stop') },
    });
  });

  it('says that it was stopped, not that the sink failed', async () => {
    const thrower = start(untilAborted(() => Promise.reject(new Error('aborted'))));
    const sleeper = start(hang);
    thrower.stop.abort();
    sleeper.stop.abort();
    await idle();
    expect(thrower.state.outcome).toEqual({ kind: 'stopped' });
    expect(sleeper.state.outcome).toBeUndefined();
    await sleeper.clock.advance(ABORT_GRACE);
    expect(sleeper.state.outcome).toEqual({ kind: 'stopped' });
  });
});
