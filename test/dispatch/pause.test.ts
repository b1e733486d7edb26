import { describe, expect, it } from 'vitest';
import { DELIVERED, type DeliveryResult, SinkError } from '../../src/sinks/sink.js';
import { idle } from './fake-clock.js';
import { anEvent, FakeSink } from './fakes.js';
import { withSink } from './harness.js';

const refused = new SinkError('connection refused', { retryable: true });

describe('a paused sink', () => {
  it('is given nothing until it is resumed, and then everything in order', async () => {
    const sink = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    dispatcher.setPaused('main', true);
    dispatcher.start();
    outbox.add(anEvent('1'));
    outbox.add(anEvent('2'));
    await clock.advance(60_000);
    expect([sink.opened, sink.batches, consumer().pending]).toEqual([1, [], ['1', '2']]);
    expect(dispatcher.state()).toMatchObject([{ name: 'main', state: 'paused' }]);
    dispatcher.setPaused('main', false);
    await idle();
    expect(sink.batches).toEqual([['1', '2']]);
    expect(dispatcher.state()).toMatchObject([{ state: 'running' }]);
  });

  it('claims nothing after it was paused while its lanes waited', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink);
    dispatcher.start();
    await idle();
    dispatcher.setPaused('main', true);
    outbox.add(anEvent('1'));
    outbox.add(anEvent('2'));
    await idle();
    expect(sink.batches).toEqual([]);
    expect(['1', '2'].map((id) => consumer().holds(id))).toEqual([false, false]);
  });

  it('finishes the attempt under way, and makes no other', async () => {
    let finish: (results: readonly DeliveryResult[]) => void = () => undefined;
    const sink = new FakeSink(() => new Promise((resolve) => (finish = resolve)));
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    dispatcher.setPaused('main', true);
    outbox.add(anEvent('2'));
    finish([DELIVERED]);
    await clock.advance(60_000);
    expect([sink.batches, consumer().done]).toEqual([[['1']], ['1']]);
  });

  it('does not retry what has failed before', async () => {
    const sink = new FakeSink(() => Promise.reject(refused));
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    dispatcher.setPaused('main', true);
    await clock.advance(600_000);
    expect(sink.batches).toHaveLength(1);
    sink.deliverWith = async () => [DELIVERED];
    dispatcher.setPaused('main', false);
    await idle();
    expect(consumer().done).toEqual(['1']);
  });

  it('stops at once, and leaves what it held pending', async () => {
    const sink = new FakeSink(() => Promise.reject(refused));
    const { consumer, dispatcher, outbox } = withSink(sink);
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    dispatcher.setPaused('main', true);
    await dispatcher.stop(5_000);
    expect([sink.batches.length, consumer().pending]).toEqual([1, ['1']]);
    expect(dispatcher.state()).toMatchObject([{ state: 'stopped' }]);
  });
});

describe('a sink whose backlog is purged', () => {
  it('is never sent what its lanes still held, and gets what comes later', async () => {
    const sink = new FakeSink(() => Promise.reject(refused));
    const { clock, consumer, dispatcher, outbox } = withSink(sink);
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    consumer().purge();
    sink.deliverWith = async (batch) => batch.map(() => DELIVERED);
    outbox.add(anEvent('2'));
    await clock.advance(1_000);
    expect([sink.batches, consumer().done]).toEqual([[['1'], ['2']], ['2']]);
  });
});
