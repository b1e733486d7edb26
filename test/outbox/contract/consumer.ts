import { describe, expect, it } from 'vitest';
import {
  claim,
  claimAll,
  delivery,
  done,
  idsOf,
  NOW,
  newEvent,
  newEvents,
  settle,
} from '../samples.js';
import { contractTools, type Harness, laneOf } from './tools.js';

/** What every consumer does. */
export function consumerContract(name: string, harness: Harness): void {
  const { start, outcomes, sink } = contractTools(harness);

  describe(`${name}: consumers`, () => {
    it('hands events out oldest first, at most as many as asked for, each once', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(5));
      const consumer = outbox.consumer('archive', 1);
      expect(idsOf(await claim(consumer, 0, 2))).toEqual(['m0', 'm1']);
      expect(idsOf(await claim(consumer, 0, 10))).toEqual(['m2', 'm3', 'm4']);
      expect(await claim(consumer, 0, 10)).toEqual([]);
    });

    it('hands out what was given in, unchanged', async () => {
      const { outbox } = await start();
      const json = JSON.stringify({ messageId: 'a', text: 'Zoë \u0000 \u2028 😀 \ud800' });
      const orderKey = 'u:nul\0 and more';
      const [appended] = await outbox.append(delivery([newEvent('a', { json, orderKey })]));
      const [claimed] = await claim(outbox.consumer('archive', 4), laneOf(orderKey, 4), 1);
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
      // An engine may write several groups at once: what has not been acknowledged may be missing.
      await Promise.all(events.map((event) => outbox.append(delivery([event]))));
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

    it('claims up to the first event that does not fit, and asks about each once', async () => {
      const { outbox } = await start();
      const sizes = [100, 200, 100_000, 100];
      await outcomes(
        outbox,
        sizes.map((size, at) => newEvent(`m${at}`, { json: textOf(`m${at}`, size) })),
      );
      const consumer = outbox.consumer('archive', 1);
      const asked: number[] = [];
      const fits = (bytes: number): boolean => {
        asked.push(bytes);
        return bytes < 1_000;
      };
      expect(idsOf(await claim(consumer, 0, 10, fits))).toEqual(['m0', 'm1']);
      expect(asked).toEqual([100, 200, 100_000]);
      expect(await claim(consumer, 0, 10, fits)).toEqual([]);
      const [large] = await claim(consumer, 0, 1);
      expect(large?.json).toBe(textOf('m2', 100_000));
      expect(idsOf(await claim(consumer, 0, 10, fits))).toEqual(['m3']);
    });

    it('knows the sizes of events that were there before it', async () => {
      const { outbox } = await start(['archive', 'orders']);
      await outcomes(outbox, [newEvent('m0', { json: textOf('m0', 300_000) }), newEvent('m1')]);
      const asked: number[] = [];
      const consumer = outbox.consumer('orders', 1);
      await claim(consumer, 0, 1, (bytes) => asked.push(bytes) === 0);
      expect(asked).toEqual([300_000]);
      expect(idsOf(await claim(consumer, 0, 10))).toEqual(['m0', 'm1']);
    });

    it('reads again what was claimed and is not settled, and nothing else', async () => {
      const { outbox } = await start();
      const json = textOf('m0', 100_000);
      const events = [newEvent('m0', { json }), newEvent('m1'), newEvent('m2')];
      const appended = await outbox.append(delivery(events));
      const unclaimed = appended.flatMap((each) => ('id' in each ? [each.id] : [])).at(2);
      const consumer = outbox.consumer('archive', 1);
      const [large, small] = await claim(consumer, 0, 2);
      if (!large || !small) throw new Error('two events were expected');
      await settle(consumer, [
        { id: large.id, outcome: 'retry', attempt: { at: NOW, error: 'status 503' } },
      ]);
      const ids = [large.id, small.id, String(unclaimed), 'x'];
      expect(await consumer.read(ids)).toEqual(
        new Map([
          [large.id, json],
          [small.id, small.json],
        ]),
      );
      await settle(consumer, done([large]));
      expect(await consumer.read(ids)).toEqual(new Map([[small.id, small.json]]));
      expect(await consumer.read([])).toEqual(new Map());
    });

    it('gives every sink every event, and settles them apart', async () => {
      const { outbox } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(2));
      const archive = outbox.consumer('archive', 1);
      await settle(archive, done(await claim(archive, 0, 10)));
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 2 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 2, delivered: 0 });
      expect((await outbox.stats()).pending).toBe(2);
      expect(idsOf(await claim(outbox.consumer('orders', 1), 0, 10))).toEqual(['m0', 'm1']);
    });

    it('hands unsettled claims to the next consumer again, in order, with their attempts', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(4));
      const first = outbox.consumer('archive', 1);
      const [a, b, c] = await claim(first, 0, 3);
      if (!a || !b || !c) throw new Error('three events were expected');
      await settle(first, [
        { id: b.id, outcome: 'done' },
        { id: a.id, outcome: 'retry', attempt: { at: NOW, error: 'status 503' } },
      ]);
      await settle(first, [
        { id: a.id, outcome: 'retry', attempt: { at: NOW + 1, error: 'reset', farSide: 'bye' } },
      ]);
      await settle(first, [
        { id: a.id, outcome: 'retry', attempt: { at: NOW + 2, error: 'late', crashed: true } },
      ]);
      expect(await claim(first, 0, 3)).toHaveLength(1);
      await first.close();
      const second = await claimAll(outbox.consumer('archive', 2), laneOf('u:ann', 2));
      expect(idsOf(second)).toEqual(['m0', 'm2', 'm3']);
      expect(second.map(({ attempts }) => attempts)).toEqual([
        [
          { at: NOW, error: 'status 503' },
          { at: NOW + 1, error: 'reset', farSide: 'bye' },
          { at: NOW + 2, error: 'late', crashed: true },
        ],
        [],
        [],
      ]);
    });

    it('counts what the sink left out apart from what was delivered', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const [first, ...others] = await claim(consumer, 0, 3);
      await settle(consumer, [
        { id: String(first?.id), outcome: 'filtered' },
        ...done(others.slice(0, 1)),
      ]);
      expect(await sink(outbox)).toMatchObject({ pending: 1, delivered: 1, filtered: 1 });
    });

    it.runIf(harness.oneConsumer)('allows one consumer of a sink at a time', async () => {
      const { outbox } = await start();
      const consumer = outbox.consumer('archive', 1);
      expect(() => outbox.consumer('archive', 1)).toThrow(/already has a consumer/);
      await consumer.close();
      expect(await claim(outbox.consumer('archive', 1), 0, 1)).toEqual([]);
    });

    it('counts an event settled twice, or never claimed, once or not at all', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const claimed = await claim(consumer, 0, 2);
      await settle(consumer, done(claimed));
      await settle(consumer, done(claimed));
      await settle(consumer, [{ id: '999', outcome: 'done' }]);
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
      await settle(consumer, done(await claim(consumer, 0, 1)));
      expect((await sink(outbox))?.oldestReceivedAt).toBe(NOW - 1_000);
    });

    it('says when the oldest pending event of each sink came in, however they were settled', async () => {
      const { outbox } = await start(['archive', 'orders']);
      const at = (seconds: number): number => NOW - seconds * 1_000;
      await outcomes(
        outbox,
        [5, 4, 3, 2].map((age) => newEvent(`m${age}`, { receivedAt: at(age) })),
      );
      const oldest = async (): Promise<unknown[]> =>
        (await outbox.stats()).sinks.map(({ oldestReceivedAt }) => oldestReceivedAt);
      const consumer = outbox.consumer('archive', 1);
      const [first, second, third, fourth] = await claim(consumer, 0, 9);
      if (!first || !second || !third || !fourth) throw new Error('four events were expected');
      await settle(consumer, done([second]));
      expect(await oldest()).toEqual([at(5), at(5)]);
      await settle(consumer, [{ id: first.id, outcome: 'filtered' }]);
      expect(await oldest()).toEqual([at(3), at(5)]);
      const attempt = { at: NOW, error: 'status 503' };
      await settle(consumer, [{ id: third.id, outcome: 'retry', attempt }]);
      expect(await oldest()).toEqual([at(3), at(5)]);
      await settle(consumer, [
        { id: third.id, outcome: 'dead', attempt },
        { id: fourth.id, outcome: 'done' },
      ]);
      expect(await oldest()).toEqual([undefined, at(5)]);
      // A requeued event is pending for its sink alone.
      const [letter] = await outbox.deadLetters.list({ limit: 1 });
      await outbox.deadLetters.requeue([String(letter?.id)]);
      const orders = outbox.consumer('orders', 1);
      await settle(orders, done(await claim(orders, 0, 9)));
      const [own, other] = await oldest();
      expect(own).toEqual(expect.any(Number));
      expect(other).toBeUndefined();
    });

    it('waits for settlements in progress when it closes, so that no event is handed out twice', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const { lease, events } = await consumer.claim(0, 2);
      const recorded: string[] = [];
      void consumer.settle(lease, done(events)).then(() => recorded.push('settled'));
      await consumer.close();
      recorded.push('closed');
      expect(recorded).toEqual(['settled', 'closed']);
      expect(idsOf(await claim(outbox.consumer('archive', 1), 0, 9))).toEqual(['m2']);
    });

    it('hands out further events while settlements are in progress, and records them all', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(6));
      const consumer = outbox.consumer('archive', 1);
      const recorded: Promise<void>[] = [];
      const ids: string[] = [];
      for (let at = 0; at < 3; at++) {
        const { lease, events } = await consumer.claim(0, 2);
        ids.push(...idsOf(events));
        recorded.push(consumer.settle(lease, done(events)));
      }
      await Promise.all(recorded);
      expect(ids).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 6 });
    });

    it('wakes who waits for events when some arrive', async () => {
      const { outbox } = await start();
      const consumer = outbox.consumer('archive', 1);
      expect(await claim(consumer, 0, 1)).toEqual([]);
      const waiting = consumer.available(0, new AbortController().signal);
      await outcomes(outbox, [newEvent('a')]);
      await waiting;
      expect(idsOf(await claim(consumer, 0, 1))).toEqual(['a']);
    });

    it('wakes at once where something is there already, and when the signal aborts', async () => {
      const { outbox } = await start();
      await outcomes(outbox, [newEvent('a')]);
      const consumer = outbox.consumer('archive', 1);
      await consumer.available(0, new AbortController().signal);
      await claim(consumer, 0, 1);
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

/** The JSON text of an event, so many bytes long. */
function textOf(messageId: string, bytes: number): string {
  const empty = JSON.stringify({ messageId, text: '' });
  return JSON.stringify({ messageId, text: 'x'.repeat(bytes - empty.length) });
}
