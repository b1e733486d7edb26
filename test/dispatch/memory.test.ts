import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELIVERED, type DeliveryResult, SinkError, type SinkEvent } from '../../src/sinks/sink.js';
import { idle } from './fake-clock.js';
import { aConfig, anEvent, type Deliver, FakeSink, hang, rejected, unavailable } from './fakes.js';
import { withSink, withSinks } from './harness.js';

/** An event whose JSON text has about so many characters. */
const sized = (id: string, size: number, over = {}) =>
  anEvent(id, { ...over, properties: { text: 'x'.repeat(size) } });

/** Counts the characters in flight over all sinks that deliver through it. */
class InFlight {
  now = 0;
  most = 0;
  wrap(deliver: Deliver): Deliver {
    return async (batch, signal) => {
      const size = batch.reduce((sum, { json }) => sum + json.length, 0);
      this.now += size;
      this.most = Math.max(this.most, this.now);
      try {
        return await deliver(batch, signal);
      } finally {
        this.now -= size;
      }
    };
  }
}

const down: Deliver = () => Promise.reject(new SinkError('503', { retryable: true }));
const works: Deliver = async (batch) => batch.map(() => DELIVERED);

describe('what all sinks hold together', () => {
  it('stays within the budget with dead sinks and large events, and everything arrives in the end', async () => {
    const flight = new InFlight();
    const names = ['dead0', 'dead1', 'dead2', 'dead3', 'well'];
    const sinks = names.map((name) => ({
      name,
      config: aConfig({ lanes: 4, batch: { size: 5, wait: 50 } }),
      sink: new FakeSink(flight.wrap(name === 'well' ? works : down)),
    }));
    const { clock, consumer, dispatcher, outbox } = withSinks(sinks, { memory: 60_000 });
    dispatcher.start();
    for (let n = 0; n < 40; n++) {
      outbox.add(sized(`${n}`, n % 3 === 0 ? 20_000 : 500, { userId: `u${n % 7}` }));
    }
    await clock.until(() => consumer('well').pending.length === 0, 60_000);
    await clock.advance(600_000);
    for (const { name } of sinks.slice(0, 4)) expect(consumer(name).pending).toHaveLength(40);
    for (const { sink } of sinks) sink.deliverWith = flight.wrap(works);
    await clock.until(() => names.every((name) => consumer(name).pending.length === 0));
    for (const { name } of sinks) expect(consumer(name).done).toHaveLength(40);
    expect(flight.most).toBeLessThanOrEqual(60_000 + 5_000);
  });

  it('never ends with sinks that hang on large events while a sound one has some to deliver', async () => {
    const ill = ['ill0', 'ill1', 'ill2'].map((name) => ({
      name,
      config: aConfig({ lanes: 8, timeout: 10_000 }),
      sink: new FakeSink(hang),
    }));
    const well = { name: 'well', config: aConfig(), sink: new FakeSink() };
    const { clock, consumer, dispatcher, outbox } = withSinks([...ill, well], { memory: 40_000 });
    dispatcher.start();
    for (let n = 0; n < 30; n++) outbox.add(sized(`${n}`, 9_000, { userId: `u${n}` }));
    await clock.until(() => consumer('well').done.length === 30, 3_600_000);
  });

  it('never holds up small events of a sound sink', async () => {
    const ill = { name: 'ill', config: aConfig({ lanes: 8 }), sink: new FakeSink(hang) };
    const well = {
      name: 'well',
      config: aConfig({ where: { types: ['page'] } }),
      sink: new FakeSink(),
    };
    const { consumer, dispatcher, outbox } = withSinks([ill, well], { memory: 40_000 });
    for (let n = 0; n < 30; n++) {
      consumer('ill').add({
        id: `${n}`,
        json: JSON.stringify(sized(`${n}`, 15_000)),
        orderKey: `u:${n}`,
        attempts: [],
      });
    }
    dispatcher.start();
    await idle();
    for (let n = 0; n < 10; n++) outbox.add(anEvent(`small${n}`, { type: 'page' }));
    await idle();
    expect(consumer('well').done).toHaveLength(10);
  });

  it('lets through an event that is larger than the whole budget', async () => {
    const sink = new FakeSink();
    const { consumer, dispatcher, outbox } = withSink(sink, { memory: 1_000 });
    outbox.add(sized('huge', 50_000));
    outbox.add(sized('next', 50_000));
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([['huge'], ['next']]);
    expect(consumer().done).toEqual(['huge', 'next']);
  });
});

describe('a lane that waits', () => {
  const setup = { memory: 10_000, config: { batch: { size: 3, wait: 0 } } };

  it('keeps what is within the share of its sink', async () => {
    const sink = new FakeSink(down);
    const { clock, consumer, dispatcher, outbox } = withSink(sink, setup);
    outbox.add(anEvent('1'));
    dispatcher.start();
    await clock.advance(60_000);
    sink.deliverWith = works;
    await clock.until(() => consumer().pending.length === 0);
    expect(consumer().reread).toEqual([]);
  });

  it('puts down the texts its sink has borrowed, and reads them for the next attempt', async () => {
    const sink = new FakeSink(down);
    const { clock, consumer, dispatcher, outbox } = withSink(sink, setup);
    for (const id of ['1', '2', '3']) outbox.add(sized(id, 3_000));
    dispatcher.start();
    await idle();
    expect(sink.batches).toEqual([['1', '2']]);
    sink.deliverWith = works;
    await clock.until(() => consumer().pending.length === 0);
    expect(consumer().reread).toEqual(['1', '2']);
    expect(sink.batches).toEqual([['1', '2'], ['1', '2'], ['3']]);
    const sent = new Set(sink.sent.map(({ json }) => json));
    expect(sent).toEqual(new Set(['1', '2', '3'].map((id) => JSON.stringify(sized(id, 3_000)))));
  });

  it('goes on where it was when the outbox cannot be read for a time', async () => {
    const sink = new FakeSink(down);
    const { clock, consumer, counted, dispatcher, outbox } = withSink(sink, setup);
    outbox.add(sized('1', 9_000));
    outbox.add(anEvent('2'));
    dispatcher.start();
    await idle();
    consumer().failReads = 3;
    sink.deliverWith = works;
    await clock.until(() => consumer().pending.length === 0);
    expect(sink.batches).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
    expect(counted.warnings.filter((line) => line.includes('handed out no events'))).toHaveLength(
      3,
    );
  });

  it('does not send again what arrived of an event that a transform made several of', async () => {
    const [a, b] = [new FakeSink(), { unavailable, rejected }];
    const results: DeliveryResult[][] = [[DELIVERED, b.unavailable, DELIVERED], [DELIVERED]];
    a.deliverWith = async () => results.shift() ?? [];
    const { clock, consumer, dispatcher, outbox } = withSink(a, {
      ...setup,
      transform: (event) => [event, event, event],
    });
    outbox.add(sized('1', 3_000));
    dispatcher.start();
    await clock.until(() => consumer().pending.length === 0);
    expect(a.batches).toEqual([['1', '1:2', '1:3'], ['1:2']]);
    expect(consumer().reread).toEqual(['1']);
  });

  it('starts over with an event of which a transform makes something else the second time', async () => {
    let calls = 0;
    const sink = new FakeSink(down);
    const { clock, consumer, dispatcher, outbox } = withSink(sink, {
      ...setup,
      transform: (event) => (calls++ === 0 ? [event, event] : event),
    });
    outbox.add(sized('1', 4_000));
    outbox.add(anEvent('2'));
    dispatcher.start();
    await idle();
    sink.deliverWith = works;
    await clock.until(() => consumer().pending.length === 0);
    expect(sink.batches[0]).toEqual(['1', '1:2', '2']);
    expect(sink.batches.slice(1).flat()).toEqual(['1', '2']);
    expect(consumer().done).toEqual(['1', '2']);
  });

  it('loses and swaps nothing, whatever fails and whatever the sizes are', async () => {
    const event = fc.record({ size: fc.integer({ min: 0, max: 9_000 }), user: fc.nat(4) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 30 }),
        fc.array(fc.constantFrom('ok', 'down', 'first', 'hangs'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (events, moods, size) => {
          const arrived: string[] = [];
          const deliver: Deliver = async (batch: readonly SinkEvent[], signal) => {
            const mood = moods.shift() ?? 'ok';
            if (mood === 'down') return down(batch, signal);
            if (mood === 'hangs') return hang(batch, signal);
            const taken = mood === 'first' ? batch.slice(0, 1) : batch;
            arrived.push(...taken.map(({ messageId }) => messageId));
            return batch.map((_, at) => (at < taken.length ? DELIVERED : unavailable));
          };
          const sinks = ['a', 'b'].map((name) => ({
            name,
            config: aConfig({ lanes: 2, batch: { size, wait: 20 } }),
            sink: new FakeSink(name === 'a' ? deliver : hang),
          }));
          const { clock, consumer, dispatcher, outbox } = withSinks(sinks, { memory: 12_000 });
          const all = events.map((each, n) =>
            outbox.add(sized(`${n}`, each.size, { userId: `u${each.user}` })),
          );
          dispatcher.start();
          await clock.until(() => consumer('a').pending.length === 0);
          expect([...arrived].sort()).toEqual([...all].sort());
          for (const user of new Set(events.map((each) => each.user))) {
            const mine = all.filter((_, n) => events[n]?.user === user);
            expect(arrived.filter((id) => mine.includes(id))).toEqual(mine);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a batch that fills for long', () => {
  it('goes out early where another sink waits for the room it takes', async () => {
    const slow = new FakeSink();
    const config = aConfig({ batch: { size: 100, wait: 3_600_000 } });
    const { clock, consumer, dispatcher, outbox } = withSinks(
      [
        { name: 'slow', config, sink: slow },
        { name: 'other', config: aConfig({ where: { types: ['page'] } }), sink: new FakeSink() },
      ],
      { memory: 40_000 },
    );
    outbox.add(sized('1', 14_000));
    dispatcher.start();
    await clock.advance(60_000);
    expect(slow.batches).toEqual([]);
    outbox.add(sized('2', 30_000, { type: 'page' }));
    await clock.advance(1);
    expect(slow.batches[0]).toEqual(['1']);
    expect(consumer('other').done).toContain('2');
  });
});
