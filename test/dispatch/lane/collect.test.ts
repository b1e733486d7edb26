import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { Budget } from '../../../src/dispatch/budget.js';
import { Health } from '../../../src/dispatch/health.js';
import { collectBatches } from '../../../src/dispatch/lane/collect.js';
import { Holding } from '../../../src/dispatch/lane/holding.js';
import { Pause } from '../../../src/dispatch/pause.js';
import { toSinkEvent } from '../../../src/dispatch/routing/format.js';
import type { Prepared } from '../../../src/dispatch/routing/prepare.js';
import type { Transformed, TransformRunner } from '../../../src/dispatch/transform/runner.js';
import type { CanonicalEvent } from '../../../src/event/event.js';
import { DELIVERED } from '../../../src/sinks/sink.js';
import { observed } from '../../support/observations.js';
import { FakeClock, idle } from '../fake-clock.js';
import { FakeConsumer } from '../fake-outbox.js';
import { aConfig, anEvent, FakeSink, rejected, unavailable } from '../fakes.js';
import { withSink, withSinks } from '../harness.js';
import { scripted } from '../transform/in-process.js';

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

  it('leaves nothing behind on the signals it waited with', async () => {
    const clock = new FakeClock();
    const consumer = new FakeConsumer();
    consumer.add({ id: '1', json: '{}', orderKey: 'm:1', attempts: [] });
    const stop = { soft: new AbortController().signal, hard: new AbortController().signal };
    const account = new Budget(1_000, 1).account();
    const prepare = async (texts: readonly string[]) =>
      texts.map(
        (json) => ({ kind: 'send', events: [toSinkEvent(json, 'canonical')] }) satisfies Prepared,
      );
    const holding = new Holding({ account, consumer, prepare, stop });
    const collected = collectBatches({
      sink: 'main',
      consumer,
      lane: 0,
      batch,
      account,
      prepare,
      holding,
      settling: { add: async () => true },
      clock,
      random: Math.random,
      retry: { initial: 1_000, max: 1_000, giveUpAfter: 60_000 },
      health: new Health('main'),
      pause: new Pause(),
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
      observations: observed(),
      soft: stop.soft,
    });
    await clock.advance(100);
    expect(getEventListeners(holding.waits, 'abort')).toHaveLength(1);
    await clock.advance(100);
    expect(await collected).toHaveLength(1);
    expect(getEventListeners(holding.waits, 'abort')).toHaveLength(0);
    holding.abandon();
    for (const signal of [stop.soft, stop.hard, consumer.lease.revoked]) {
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    }
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
    const outcomes = consumer().settlements.map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['filtered', 'dead', 'done', 'done']);
    expect(counted).toMatchObject({ deadLetters: 1, filtered: 1 });
  });
});

describe('an event that its transform does not come back from', () => {
  const lost = (crashed: boolean): Transformed => ({
    kind: 'lost',
    error: 'took longer than 5000 ms',
    crashed,
  });
  const same = (text: string): Transformed => ({ kind: 'events', texts: [text] });
  const of = (id: string, poison: Transformed) =>
    scripted((text) => (JSON.parse(text).messageId === id ? poison : same(text)));
  const spec = (transform: TransformRunner, sink: FakeSink, over = {}) => ({
    name: 'main',
    config: aConfig({ batch, ...over }),
    sink,
    transform,
  });

  it('becomes a dead letter after three attempts, and what is behind it goes out then, in order', async () => {
    const sink = new FakeSink();
    const { clock, consumer, counted, dispatcher, outbox } = withSinks([
      spec(of('2', lost(true)), sink),
    ]);
    for (const id of ['1', '2', '3', '4', '5']) outbox.add(anEvent(id));
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([['1']]);
    expect(dispatcher.state()).toMatchObject([{ state: 'backing-off' }]);
    await clock.until(() => consumer().pending.length === 0);
    expect(sink.batches).toEqual([['1'], ['3', '4', '5']]);
    expect(consumer().attemptsOf('2')).toMatchObject([
      { error: 'the transform took longer than 5000 ms', crashed: true },
      { error: 'the transform took longer than 5000 ms', crashed: true },
      {
        error: 'the transform took longer than 5000 ms; given up after 3 such attempts',
        crashed: true,
      },
    ]);
    expect(counted.deadLetters).toBe(1);
  });

  it('has the attempts that it had before a restart', async () => {
    const attempt = {
      at: 1,
      error: 'the transform took longer than 5000 ms',
      crashed: true,
    } as const;
    const transform = of('1', lost(true));
    const { consumer, dispatcher, outbox } = withSinks([spec(transform, new FakeSink())]);
    outbox.add(anEvent('1'), [attempt, attempt]);
    dispatcher.start();
    await idle();
    expect(transform.runs).toHaveLength(1);
    expect([...consumer().dead.keys()]).toEqual(['1']);
  });

  it('is tried as long as any other where it is not the cause', async () => {
    const sink = new FakeSink();
    const transform = of('1', lost(false));
    const { clock, consumer, dispatcher, outbox } = withSinks([
      spec(transform, sink, { retry: { initial: 1_000, max: 1_000, giveUpAfter: 60_000 } }),
    ]);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.until(() => consumer().pending.length === 0);
    expect(transform.runs.length).toBeGreaterThan(50);
    expect(consumer().attemptsOf('1').at(-1)).toMatchObject({
      error: 'given up after 60 s: the transform took longer than 5000 ms',
    });
  });

  it('holds up no other lane', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSinks([
      spec(of('1', lost(true)), sink, { lanes: 4, batch: { size: 1, wait: 0 } }),
    ]);
    outbox.add(anEvent('1', { userId: 'ann' }));
    for (const userId of ['bob', 'cleo', 'dan', 'eve']) outbox.add(anEvent(userId, { userId }));
    dispatcher.start();
    await idle();
    expect(consumer().done.length).toBeGreaterThan(1);
  });

  it('is not blamed for a stop', async () => {
    const { consumer, dispatcher, outbox } = withSinks([
      spec(
        {
          run: async () => {
            await dispatcher.stop(0);
            return [lost(false)];
          },
          close: async () => undefined,
        },
        new FakeSink(),
      ),
    ]);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await idle();
    expect(consumer().settlements).toEqual([]);
  });

  it('lets those before it go out where the rest is left for later', async () => {
    const sink = new FakeSink();
    let runs = 0;
    const transform = scripted((text) => {
      const { messageId } = JSON.parse(text);
      if (messageId === '1') runs++;
      return messageId === '3' && runs === 1 && transform.runs.length === 1 ? 'later' : same(text);
    });
    const { clock, consumer, dispatcher, outbox } = withSinks([
      spec(transform, sink, { batch: { size: 4, wait: 10 } }),
    ]);
    for (const id of ['1', '2', '3', '4', '5']) outbox.add(anEvent(id));
    dispatcher.start();
    await clock.until(() => consumer().pending.length === 0);
    expect(sink.batches).toEqual([
      ['1', '2'],
      ['3', '4', '5'],
    ]);
  });
});
