import { describe, expect, it } from 'vitest';
import { contractTools, type Harness, laneOf } from './contract-tools.js';
import { claimAll, delivery, done, idsOf, NOW, newEvent, newEvents } from './samples.js';

/** What every consumer does. */
export function consumerContract(name: string, harness: Harness): void {
  const { start, outcomes, sink } = contractTools(harness);

  describe(`${name}: consumers`, () => {
    it('hands events out oldest first, at most as many as asked for, each once', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(5));
      const consumer = outbox.consumer('archive', 1);
      expect(idsOf(await consumer.claim(0, 2))).toEqual(['m0', 'm1']);
      expect(idsOf(await consumer.claim(0, 10))).toEqual(['m2', 'm3', 'm4']);
      expect(await consumer.claim(0, 10)).toEqual([]);
    });

    it('hands out what was given in, unchanged', async () => {
      const { outbox } = await start();
      const json = JSON.stringify({ messageId: 'a', text: 'Zoë \u0000 \u2028 😀 \ud800' });
      const orderKey = 'u:nul\0 and more';
      const [appended] = await outbox.append(delivery([newEvent('a', { json, orderKey })]));
      const [claimed] = await outbox.consumer('archive', 4).claim(laneOf(orderKey, 4), 1);
      expect(claimed).toEqual({
        id: appended !== undefined && 'id' in appended ? appended.id : '',
        json,
        orderKey,
        attempts: [],
      });
    });

    it('puts all events of one order key on one lane, in order, and loses none', async () => {
      const { outbox } = await start();
      const events = newEvents(200).map((event, at) => ({ ...event, orderKey: `u:${at % 17}` }));
      for (const event of events) void outbox.append(delivery([event]));
      await outcomes(outbox, [newEvent('last', { orderKey: 'u:0' })]);
      const consumer = outbox.consumer('archive', 4);
      const lanes = await Promise.all([0, 1, 2, 3].map((lane) => claimAll(consumer, lane, 7)));
      expect(lanes.flat()).toHaveLength(201);
      for (const key of new Set(events.map(({ orderKey }) => orderKey))) {
        const having = lanes.filter((lane) => lane.some(({ orderKey }) => orderKey === key));
        expect(having).toHaveLength(1);
        const order = having.flat().filter(({ orderKey }) => orderKey === key);
        const expected = events.filter(({ orderKey }) => orderKey === key);
        expect(idsOf(order).filter((id) => id !== 'last')).toEqual(
          expected.map(({ messageId }) => messageId),
        );
      }
    });

    it('gives every sink every event, and settles them apart', async () => {
      const { outbox } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(2));
      const archive = outbox.consumer('archive', 1);
      await archive.settle(done(await archive.claim(0, 10)));
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 2 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 2, delivered: 0 });
      expect((await outbox.stats()).pending).toBe(2);
      expect(idsOf(await outbox.consumer('orders', 1).claim(0, 10))).toEqual(['m0', 'm1']);
    });

    it('hands unsettled claims to the next consumer again, in order, with their attempts', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(4));
      const first = outbox.consumer('archive', 1);
      const [a, b, c] = await first.claim(0, 3);
      if (!a || !b || !c) throw new Error('three events were expected');
      await first.settle([
        { id: b.id, outcome: 'done' },
        { id: a.id, outcome: 'retry', attempt: { at: NOW, error: 'status 503' } },
      ]);
      await first.settle([
        { id: a.id, outcome: 'retry', attempt: { at: NOW + 1, error: 'reset' } },
      ]);
      expect(await first.claim(0, 3)).toHaveLength(1);
      await first.close();
      const second = await claimAll(outbox.consumer('archive', 2), laneOf('u:ann', 2));
      expect(idsOf(second)).toEqual(['m0', 'm2', 'm3']);
      expect(second.map(({ attempts }) => attempts)).toEqual([
        [
          { at: NOW, error: 'status 503' },
          { at: NOW + 1, error: 'reset' },
        ],
        [],
        [],
      ]);
    });

    it('allows one consumer of a sink at a time', async () => {
      const { outbox } = await start();
      const consumer = outbox.consumer('archive', 1);
      expect(() => outbox.consumer('archive', 1)).toThrow(/has a consumer already/);
      await consumer.close();
      expect(await outbox.consumer('archive', 1).claim(0, 1)).toEqual([]);
    });

    it('counts an event settled twice, or never claimed, once or not at all', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const claimed = await consumer.claim(0, 2);
      await consumer.settle(done(claimed));
      await consumer.settle(done(claimed));
      await consumer.settle([{ id: '999', outcome: 'done' }]);
      expect(await sink(outbox)).toMatchObject({ pending: 1, delivered: 2 });
    });

    it('says when the oldest pending event came in', async () => {
      const { outbox } = await start();
      expect(await sink(outbox)).not.toHaveProperty('oldestReceivedAt');
      await outcomes(outbox, [
        newEvent('a', { receivedAt: NOW - 2_000 }),
        newEvent('b', { receivedAt: NOW - 1_000 }),
      ]);
      expect((await sink(outbox))?.oldestReceivedAt).toBe(NOW - 2_000);
      const consumer = outbox.consumer('archive', 1);
      await consumer.settle(done(await consumer.claim(0, 1)));
      expect((await sink(outbox))?.oldestReceivedAt).toBe(NOW - 1_000);
    });

    it('wakes who waits for events when some arrive', async () => {
      const { outbox } = await start();
      const consumer = outbox.consumer('archive', 1);
      expect(await consumer.claim(0, 1)).toEqual([]);
      const waiting = consumer.available(0, new AbortController().signal);
      await outcomes(outbox, [newEvent('a')]);
      await waiting;
      expect(idsOf(await consumer.claim(0, 1))).toEqual(['a']);
    });

    it('wakes at once where something is there already, and when the signal aborts', async () => {
      const { outbox } = await start();
      await outcomes(outbox, [newEvent('a')]);
      const consumer = outbox.consumer('archive', 1);
      await consumer.available(0, new AbortController().signal);
      await consumer.claim(0, 1);
      const abort = new AbortController();
      const waiting = consumer.available(0, abort.signal);
      abort.abort();
      await waiting;
      await consumer.available(0, abort.signal);
    });

    it('wakes who waits when it is closed', async () => {
      const { outbox } = await start();
      const consumer = outbox.consumer('archive', 1);
      const waiting = consumer.available(0, new AbortController().signal);
      await consumer.close();
      await waiting;
    });
  });
}
