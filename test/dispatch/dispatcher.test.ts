import { describe, expect, it } from 'vitest';
import { DELIVERED, SinkError } from '../../src/sinks/sink.js';
import { FakeClock, idle } from './fake-clock.js';
import { anEvent, type Deliver, FakeSink, hang } from './fakes.js';
import { withSink } from './harness.js';

function watched(promise: Promise<void>) {
  const state = { over: false };
  void promise.then(() => {
    state.over = true;
  });
  return state;
}

/** Takes `ms` of the clock for every attempt. */
const slow = (clock: () => FakeClock, ms: number): Deliver => {
  return async (batch) => {
    await clock().sleep(ms);
    return batch.map(() => DELIVERED);
  };
};

describe('stop', () => {
  it('delivers what waits for its batch to fill, and claims nothing more', async () => {
    const sink = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 10, wait: 60_000 } },
    });
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    expect(sink.batches).toEqual([]);
    const stopping = dispatcher.stop(5_000);
    outbox.add(anEvent('2'));
    await stopping;
    expect(sink.batches).toEqual([['1']]);
    expect(consumer().pending).toEqual(['2']);
    expect(clock.monotonic()).toBe(0);
    expect([sink.closed, consumer().closed]).toEqual([1, true]);
    expect(clock.sleeping).toBe(0);
  });

  it('lets an attempt in flight finish', async () => {
    let clock = new FakeClock();
    const sink = new FakeSink(slow(() => clock, 3_000));
    const running = withSink(sink);
    ({ clock } = running);
    running.outbox.add(anEvent('1'));
    running.dispatcher.start();
    await idle();
    const stop = watched(running.dispatcher.stop(5_000));
    await clock.advance(2_999);
    expect([stop.over, sink.closed]).toEqual([false, 0]);
    await clock.advance(1);
    expect([stop.over, sink.closed]).toEqual([true, 1]);
    expect(running.consumer().done).toEqual(['1']);
  });

  it('aborts it when the grace is over, without holding it against the event', async () => {
    const signals: AbortSignal[] = [];
    const sink = new FakeSink((_, signal) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    const stop = watched(dispatcher.stop(2_000));
    await clock.advance(1_999);
    expect([stop.over, signals[0]?.aborted]).toEqual([false, false]);
    await clock.advance(1);
    expect([stop.over, signals[0]?.aborted]).toEqual([true, true]);
    expect(consumer().pending).toEqual(['1']);
    expect(consumer().settlements).toEqual([]);
  });

  it('records what an aborted attempt still got through', async () => {
    const sink = new FakeSink((batch, signal) => {
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(batch.map(() => DELIVERED)));
      });
    });
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    const stop = watched(dispatcher.stop(2_000));
    await clock.advance(2_000);
    expect(stop.over).toBe(true);
    expect(consumer().done).toEqual(['1']);
  });

  it('is over two seconds after the grace, whatever a sink does', async () => {
    const sink = new FakeSink(hang);
    sink.close = () => new Promise(() => undefined);
    const { clock, consumer, counted, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    const stop = watched(dispatcher.stop(2_000));
    await clock.advance(4_000);
    expect(stop.over).toBe(true);
    expect(consumer().pending).toEqual(['1']);
    expect(counted.warnings.at(-1)).toBe('the sink did not close in time');
  });

  it('does not wait for a retry, but leaves the event pending', async () => {
    const sink = new FakeSink(() => Promise.reject(new SinkError('503', { retryable: true })));
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(10);
    await dispatcher.stop(60_000);
    expect(clock.monotonic()).toBe(10);
    expect(sink.batches).toHaveLength(1);
    expect(consumer().pending).toEqual(['1']);
  });

  it('still finds the poison of a batch in flight', async () => {
    const sink = new FakeSink(async (batch) => {
      if (batch.some(({ messageId }) => messageId === '3')) {
        throw new SinkError('400', { retryable: false });
      }
      return batch.map(() => DELIVERED);
    });
    const { consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 10, wait: 1_000 } },
    });
    for (const id of ['1', '2', '3', '4']) outbox.add(anEvent(id));
    dispatcher.start();
    await idle();
    await dispatcher.stop(5_000);
    expect(consumer().done).toEqual(['1', '2', '4']);
    expect([...consumer().dead.keys()]).toEqual(['3']);
  });

  it('may be called twice, and start too', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink);
    dispatcher.start();
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    await Promise.all([dispatcher.stop(1_000), dispatcher.stop(1_000)]);
    await dispatcher.stop(1_000);
    dispatcher.start();
    outbox.add(anEvent('2'));
    await idle();
    expect([sink.opened, sink.closed]).toEqual([1, 1]);
    expect(consumer().done).toEqual(['1']);
  });

  it('closes sinks that were never started', async () => {
    const sink = new FakeSink();
    await withSink(sink).dispatcher.stop(1_000);
    expect(sink.closed).toBe(1);
  });
});
