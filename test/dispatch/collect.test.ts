import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { collect } from '../../src/dispatch/collect.js';
import { toSinkEvent } from '../../src/dispatch/format.js';
import type { CanonicalEvent } from '../../src/event/event.js';
import { DELIVERED } from '../../src/sinks/sink.js';
import { FakeClock, idle } from './fake-clock.js';
import { FakeConsumer } from './fake-outbox.js';
import { anEvent, FakeSink, rejected, unavailable } from './fakes.js';
import { withSink } from './harness.js';

const batch = { size: 3, wait: 200 };

describe('collecting a batch', () => {
  it('waits from the first event on, and no longer', async () => {
    const sink = new FakeSink();
    const { clock, dispatcher, outbox } = withSink(sink, { config: { batch } });
    dispatcher.start();
    await clock.advance(1_000);
    outbox.add(anEvent('1'));
    await clock.advance(150);
    outbox.add(anEvent('2'));
    await clock.advance(49);
    expect(sink.batches).toEqual([]);
    await clock.advance(1);
    expect(sink.batches).toEqual([['1', '2']]);
  });

  it('goes out at once when it is full', async () => {
    const sink = new FakeSink();
    const { clock, dispatcher, outbox } = withSink(sink, { config: { batch } });
    dispatcher.start();
    for (const id of ['1', '2', '3', '4']) outbox.add(anEvent(id));
    await idle();
    expect(sink.batches).toEqual([['1', '2', '3']]);
    await clock.advance(200);
    expect(sink.batches).toEqual([['1', '2', '3'], ['4']]);
  });

  it('goes out at once when it has the bytes that fill it', async () => {
    const sink = new FakeSink();
    const bytes = 2 * JSON.stringify(anEvent('1')).length;
    const { clock, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 100, wait: 60_000, bytes } },
    });
    dispatcher.start();
    for (const id of ['1', '2']) {
      expect(sink.batches).toEqual([]);
      outbox.add(anEvent(id));
      await idle();
    }
    expect(sink.batches).toEqual([['1', '2']]);
    outbox.add(anEvent('3'));
    await clock.advance(59_999);
    expect(sink.batches).toHaveLength(1);
    await clock.advance(1);
    expect(sink.batches).toEqual([['1', '2'], ['3']]);
  });

  it('settles what the sink does not want without an attempt, and gives it no room', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch, where: { events: ['Order *'] } },
    });
    for (let n = 0; n < 20; n++) {
      outbox.add(anEvent(`${n}`, n % 5 === 4 ? {} : { event: 'Page Viewed' }));
    }
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([['4', '9', '14']]);
    expect(consumer().done).toHaveLength(19);
    expect(consumer().pending).toEqual(['19']);
  });

  it('parses nothing where nobody looks', async () => {
    const sink = new FakeSink();
    const { dispatcher, outbox, consumer } = withSink(sink);
    outbox.add(anEvent('1'));
    sink.deliver = async (events) => events.map(() => DELIVERED);
    const parse = vi.spyOn(JSON, 'parse');
    dispatcher.start();
    await idle();
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
    expect(consumer().done).toEqual(['1']);
  });

  it('delivers what it holds even where the outbox then fails', async () => {
    const sink = new FakeSink();
    const { clock, consumer, dispatcher, outbox } = withSink(sink, { config: { batch } });
    dispatcher.start();
    outbox.add(anEvent('1'));
    await idle();
    consumer().failClaims = 1;
    outbox.add(anEvent('2'));
    await clock.advance(200);
    expect(consumer().done).toEqual(['1', '2']);
  });

  it('leaves nothing behind on the signal it waited with', async () => {
    const clock = new FakeClock();
    const consumer = new FakeConsumer();
    consumer.add({ id: '1', json: '{}', orderKey: 'm:1', attempts: [] });
    const { signal } = new AbortController();
    const collected = collect({
      sink: 'main',
      consumer,
      lane: 0,
      batch,
      prepare: async (json) => ({ kind: 'send', events: [toSinkEvent(json, 'canonical')] }),
      settle: async () => true,
      clock,
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
      soft: signal,
    });
    await clock.advance(100);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await clock.advance(100);
    expect(await collected).toHaveLength(1);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(clock.sleeping).toBe(0);
  });

  it('makes a dead letter of an event that cannot be read', async () => {
    const { consumer, dispatcher, outbox } = withSink(new FakeSink(), {
      config: { where: { types: ['track'] } },
    });
    outbox.addText('bad', '{"type":');
    outbox.addText('odd', '{"type":"track"}');
    outbox.add(anEvent('good'));
    dispatcher.start();
    await idle();
    expect(consumer().attemptsOf('bad')).toMatchObject([
      { error: expect.stringMatching(/cannot be read/) },
    ]);
    expect(consumer().done).toEqual(['odd', 'good']);
  });
});

describe('with a transform', () => {
  const split = (event: CanonicalEvent) => [
    { ...event, messageId: `${event.messageId}a` },
    { ...event, messageId: `${event.messageId}b` },
  ];

  it('settles an event once all it became is delivered, in batches no larger than configured', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch },
      transform: split,
    });
    for (const id of ['1', '2', '3']) outbox.add(anEvent(id));
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([
      ['1a', '1b', '2a'],
      ['2b', '3a', '3b'],
    ]);
    expect(consumer().done).toEqual(['1', '2', '3']);
  });

  it('makes one dead letter where one of several is refused, and no second attempt at the rest', async () => {
    const results = [[unavailable, rejected, DELIVERED], [DELIVERED]];
    const sink = new FakeSink(async () => results.shift() ?? []);
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch },
      transform: split,
    });
    for (const id of ['1', '2']) outbox.add(anEvent(id));
    dispatcher.start();
    await clock.until(() => consumer().pending.length === 0);
    expect(sink.batches).toEqual([['1a', '1b', '2a'], ['2b']]);
    expect([...consumer().dead.keys()]).toEqual(['1']);
    expect(consumer().attemptsOf('1')).toHaveLength(1);
    expect(consumer().done).toEqual(['2']);
  });

  it('sends nothing more of an event that is a dead letter already', async () => {
    const sink = new FakeSink(async (batch) => batch.map(() => rejected));
    const { consumer, dispatcher, outbox } = withSink(sink, {
      config: { batch: { size: 2, wait: 0 } },
      transform: (event) => [event, event, event],
    });
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([['1', '1:2']]);
    expect(consumer().settlements).toMatchObject([{ id: '1', outcome: 'dead' }]);
  });

  it('counts one failed attempt where several fail together', async () => {
    const results = [
      [unavailable, unavailable],
      [DELIVERED, DELIVERED],
    ];
    const sink = new FakeSink(async () => results.shift() ?? []);
    const { clock, consumer, dispatcher, outbox } = withSink(sink, { transform: split });
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.until(() => consumer().pending.length === 0);
    expect(consumer().settlements.map(({ outcome }) => outcome)).toEqual(['retry', 'done']);
  });

  it('settles what it drops and sets aside what it fails on, and delivers the rest in order', async () => {
    const sink = new FakeSink();
    const { consumer, counted, dispatcher, outbox } = withSink(sink, {
      config: { where: { types: ['track'] }, format: 'cloudevents' },
      transform: async (event) => {
        if (event.messageId === '1') return undefined;
        if (event.messageId === '2') throw new Error('no price');
        return { ...event, type: 'record' };
      },
    });
    for (const id of ['1', '2', '3', '4']) outbox.add(anEvent(id));
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([['3', '4']]);
    expect(sink.sent.map(({ json }) => JSON.parse(json).type)).toEqual([
      'trackbridge.record',
      'trackbridge.record',
    ]);
    expect(consumer().attemptsOf('2')).toMatchObject([{ error: 'the transform failed: no price' }]);
    expect(consumer().done).toEqual(['1', '3', '4']);
    expect(counted.deadLetters).toBe(1);
  });
});
