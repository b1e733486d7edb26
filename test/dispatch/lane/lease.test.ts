import { describe, expect, it } from 'vitest';
import { DELIVERED, SinkError } from '../../../src/sinks/sink.js';
import { idle } from '../fake-clock.js';
import { anEvent, type Deliver, FakeSink, hang, unavailable } from '../fakes.js';
import { withSink } from '../harness.js';

const delivered: Deliver = async (batch) => batch.map(() => DELIVERED);

/** Ends with these results only when it is aborted. */
const whenAborted =
  (end: () => ReturnType<Deliver>): Deliver =>
  (_, signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(end())));

describe('a lane whose lease is revoked', () => {
  it('aborts its attempt, settles nothing and claims the events anew, in order', async () => {
    const reasons: unknown[] = [];
    const sink = new FakeSink((_, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          reject(new Error('aborted'));
        });
      });
    });
    const { consumer, counted, dispatcher, outbox } = withSink(sink);
    for (const id of ['1', '2', '3']) outbox.add(anEvent(id));
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([['1', '2', '3']]);
    sink.deliverWith = delivered;
    consumer().revoke();
    expect(reasons).toHaveLength(1);
    expect(consumer().settlements).toEqual([]);
    await idle();
    expect(sink.batches).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
    expect(consumer().done).toEqual(['1', '2', '3']);
    expect(consumer().stale).toBe(0);
    expect(counted.attempts).toEqual({ 'main delivered': 3 });
    expect(dispatcher.state()).toMatchObject([{ failuresInARow: 0 }]);
  });

  it('records no results that arrive after that', async () => {
    const sink = new FakeSink(whenAborted(async () => [DELIVERED]));
    const { consumer, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    sink.deliverWith = async () => [unavailable];
    consumer().revoke();
    await idle();
    expect(consumer().settlements).toMatchObject([{ id: '1', outcome: 'retry' }]);
    expect(consumer().stale).toBe(0);
  });

  it('goes on without a sink that ignores the abort', async () => {
    const sink = new FakeSink(hang);
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    sink.deliverWith = delivered;
    consumer().revoke();
    await clock.advance(1_000);
    expect(consumer().done).toEqual(['1']);
  });

  it('begins no attempt before the lease covers its timeout', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink, { config: { timeout: 7_000 } });
    let renew: (covers: boolean) => void = () => undefined;
    consumer().lease.coversWith = () => new Promise((resolve) => (renew = resolve));
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    expect(consumer().lease.asked).toEqual([7_000]);
    expect(sink.batches).toEqual([]);
    renew(true);
    await idle();
    expect(consumer().done).toEqual(['1']);
  });

  it('sends nothing when that happens while it waits for the renewal', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink);
    consumer().lease.coversWith = () => new Promise(() => undefined);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    consumer().purge();
    consumer().revoke();
    await idle();
    expect(sink.batches).toEqual([]);
    expect(dispatcher.state()).toMatchObject([{ state: 'running' }]);
    outbox.add(anEvent('2'));
    await idle();
    expect(sink.batches).toEqual([['2']]);
  });

  it('stops in time while it waits for the renewal', async () => {
    const { clock, consumer, dispatcher, outbox } = withSink(new FakeSink());
    consumer().lease.coversWith = () => new Promise(() => undefined);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    const stopped = dispatcher.stop(500);
    await clock.advance(500);
    await stopped;
    expect(consumer().pending).toEqual(['1']);
  });

  it('does not repeat a settlement that was refused as stale', async () => {
    const sink = new FakeSink();
    const { clock, consumer, counted, dispatcher, outbox } = withSink(sink);
    // The lane is lost between the results and their settlement.
    consumer().revokeAtSettle = true;
    outbox.add(anEvent('1'));
    outbox.add(anEvent('2'));
    dispatcher.start();
    await clock.advance(60_000);
    expect(consumer().stale).toBe(1);
    expect(sink.batches).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
    expect(consumer().done).toEqual(['1', '2']);
    expect(counted.warnings).toEqual([expect.stringMatching(/another process took over a lane/)]);
  });

  it('gives up a settlement that the outbox did not take meanwhile', async () => {
    const sink = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    consumer().failSettles = Number.POSITIVE_INFINITY;
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(30_000);
    expect(sink.batches).toHaveLength(1);
    consumer().failSettles = 0;
    consumer().revoke();
    await clock.advance(0);
    expect(sink.batches).toHaveLength(2);
    expect(consumer().done).toEqual(['1']);
  });

  it('does not wait for the end of its backoff', async () => {
    const asked = new SinkError('503', { retryable: true, retryAfter: 3_600_000 });
    const sink = new FakeSink(() => Promise.reject(asked));
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(10);
    expect(dispatcher.state()).toMatchObject([{ state: 'backing-off' }]);
    consumer().purge();
    consumer().revoke();
    await idle();
    expect(dispatcher.state()).toMatchObject([{ state: 'running' }]);
  });

  it('drops what it has collected of a batch', async () => {
    const sink = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 3, wait: 1_000 } },
    });
    dispatcher.start();
    outbox.add(anEvent('1'));
    await clock.advance(900);
    consumer().revoke();
    await clock.advance(900);
    expect(sink.batches).toEqual([]);
    outbox.add(anEvent('2'));
    await clock.advance(100);
    expect(sink.batches).toEqual([['1', '2']]);
    expect(consumer().done).toEqual(['1', '2']);
  });

  it('drops it even where the events of the next lease come first', async () => {
    const sink = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 3, wait: 1_000 } },
    });
    dispatcher.start();
    outbox.add(anEvent('1'));
    await clock.advance(0);
    // The lane is woken for the second event. Its claim is the first thing that meets the new lease.
    consumer().revokeAtClaim = true;
    outbox.add(anEvent('2'));
    await clock.advance(1_000);
    expect(sink.batches).toEqual([['1', '2']]);
    expect(consumer().done).toEqual(['1', '2']);
  });

  it('gives back the memory of what it drops', async () => {
    const size = JSON.stringify(anEvent('1')).length;
    const sink = new FakeSink(whenAborted(() => Promise.reject(new Error('aborted'))));
    const { consumer, dispatcher, outbox } = withSink(sink, { memory: 2 * size });
    outbox.add(anEvent('1'));
    dispatcher.start();
    for (let times = 1; times <= 10; times++) {
      await idle();
      expect(sink.batches).toHaveLength(times);
      consumer().revoke();
    }
    sink.deliverWith = delivered;
    consumer().revoke();
    await idle();
    await idle();
    expect(consumer().done).toEqual(['1']);
  });
});
