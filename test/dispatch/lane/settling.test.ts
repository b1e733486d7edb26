import { describe, expect, it } from 'vitest';
import type { Settled } from '../../../src/dispatch/lane/settler.js';
import { Settling } from '../../../src/dispatch/lane/settling.js';
import type { Lease, Settlement } from '../../../src/outbox/feed.js';
import { ProcessLease } from '../../../src/outbox/process-lease.js';
import { idle } from '../fake-clock.js';
import { anEvent, FakeSink } from '../fakes.js';
import { withSink } from '../harness.js';

/** An outbox that records when a test says so. */
function held() {
  const calls: { readonly lease: Lease; readonly ids: readonly string[] }[] = [];
  const ends: ((settled: Settled) => void)[] = [];
  const settle = (lease: Lease, settlements: readonly Settlement[]): Promise<Settled> => {
    calls.push({ lease, ids: settlements.map(({ id }) => id) });
    return new Promise((resolve) => ends.push(resolve));
  };
  const end = async (settled: Settled = 'recorded'): Promise<void> => {
    ends.shift()?.(settled);
    await idle();
  };
  return { calls, settle, end };
}

const done = (...ids: readonly string[]): Settlement[] =>
  ids.map((id) => ({ id, outcome: 'done' }));
const many = (count: number, name: string): Settlement[] =>
  done(...Array.from({ length: count }, (_, at) => `${name}${at}`));

/** What the promise resolved to, after everything that is ready has run; `waits` if it has not. */
async function now(promise: Promise<boolean>): Promise<boolean | 'waits'> {
  await idle();
  return await Promise.race([promise, Promise.resolve('waits' as const)]);
}

describe('settling behind a lane', () => {
  it('records one settlement at a time, with everything that was added meanwhile, in order', async () => {
    const { calls, end, settle } = held();
    const settling = new Settling(settle, 1);
    const lease = new ProcessLease();
    for (const id of ['1', '2', '3']) expect(await settling.add(lease, done(id))).toBe(true);
    expect(calls).toEqual([{ lease, ids: ['1'] }]);
    await end();
    expect(calls.at(1)).toEqual({ lease, ids: ['2', '3'] });
    await settling.add(lease, done('4'));
    expect(calls).toHaveLength(2);
    await end();
    expect(calls.at(2)).toEqual({ lease, ids: ['4'] });
  });

  it.each([
    ['128 events', 1, 128],
    ['two batches', 100, 200],
  ])('lets a lane go on while fewer than %s are not recorded', async (_, size, most) => {
    const { end, settle } = held();
    const settling = new Settling(settle, size);
    const lease = new ProcessLease();
    expect(await now(settling.add(lease, many(most - 1, 'a')))).toBe(true);
    const last = settling.add(lease, done('last'));
    expect(await now(last)).toBe('waits');
    await end();
    expect(await now(last)).toBe(true);
  });

  it.each(['retry', 'dead'] as const)('holds a lane until a %s is recorded', async (outcome) => {
    const { end, settle } = held();
    const settling = new Settling(settle, 100);
    const lease = new ProcessLease();
    await settling.add(lease, done('1'));
    const attempt = { at: 0, error: '503' };
    const failed = settling.add(lease, [{ id: '2', outcome, attempt }]);
    expect(await now(failed)).toBe('waits');
    await end();
    expect(await now(failed)).toBe('waits');
    await end();
    expect(await now(failed)).toBe(true);
  });

  it('holds no lane for nothing', async () => {
    const { calls, settle } = held();
    const settling = new Settling(settle, 1);
    expect(await now(settling.add(new ProcessLease(), []))).toBe(true);
    expect(calls).toEqual([]);
  });

  it('keeps what was added under one lease apart from what was added under the next', async () => {
    const { calls, end, settle } = held();
    const settling = new Settling(settle, 1);
    const [first, second] = [new ProcessLease(), new ProcessLease()];
    await settling.add(first, done('1'));
    await settling.add(first, done('2'));
    first.revoke();
    expect(await settling.add(first, done('3'))).toBe(false);
    expect(await settling.add(second, done('4'))).toBe(true);
    await end('revoked');
    await end('revoked');
    expect(calls.map(({ ids }) => ids)).toEqual([['1'], ['2', '3'], ['4']]);
    expect(calls.map(({ lease }) => lease)).toEqual([first, first, second]);
  });

  it.each(['stopped', 'revoked'] as const)(
    'tells a lane that waits that it was %s',
    async (how) => {
      const { end, settle } = held();
      const settling = new Settling(settle, 1);
      const waiting = settling.add(new ProcessLease(), many(128, 'a'));
      await end(how);
      expect(await now(waiting)).toBe(false);
    },
  );

  it('is idle once everything is recorded', async () => {
    const { end, settle } = held();
    const settling = new Settling(settle, 1);
    const lease = new ProcessLease();
    await settling.idle();
    await settling.add(lease, done('1'));
    await settling.add(lease, done('2'));
    const over = settling.idle().then(() => true);
    await end();
    expect(await now(over)).toBe('waits');
    await end();
    expect(await now(over)).toBe(true);
  });
});

describe('a lane', () => {
  it('sends its next batches while the outbox records the last', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 1, wait: 0 } },
    });
    const ends = consumer().holdSettles();
    for (const id of ['1', '2', '3']) outbox.add(anEvent(id));
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([['1'], ['2'], ['3']]);
    expect(consumer().done).toEqual([]);
    ends();
    await idle();
    expect(consumer().done).toEqual(['1', '2', '3']);
  });

  it('stops only once what it has delivered is recorded', async () => {
    const { clock, consumer, dispatcher, outbox } = withSink(new FakeSink());
    const ends = consumer().holdSettles();
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    const state = { stopped: false };
    void dispatcher.stop(3_000).then(() => {
      state.stopped = true;
    });
    await clock.advance(1_000);
    expect(state.stopped).toBe(false);
    ends();
    await clock.advance(0);
    expect(state.stopped).toBe(true);
    expect(consumer().pending).toEqual([]);
  });

  it('gives back the memory of events whose lease was revoked while they were prepared', async () => {
    const size = JSON.stringify(anEvent('1')).length;
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink, {
      config: { where: { events: ['Order *'] } },
      memory: 4 * size,
    });
    for (let times = 0; times < 9; times++) {
      outbox.addText(`dead${times}`, '{', 'u:u1');
      outbox.add(anEvent(`live${times}`));
      consumer().revokeAtSettle = true;
      if (times === 0) dispatcher.start();
      await idle();
    }
    await idle();
    expect(consumer().done).toContain('live8');
  });
});
