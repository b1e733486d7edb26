import { afterEach, describe, expect, it } from 'vitest';
import { TrackbridgeError } from '../../src/errors.js';
import { orderHash } from '../../src/outbox/order-hash.js';
import type { Consumer, NewEvent, Outbox } from '../../src/outbox/outbox.js';
import {
  claimAll,
  delivery,
  done,
  idsOf,
  NOW,
  newEvent,
  newEvents,
  newQuarantined,
} from './samples.js';
import { StillClock } from './still-clock.js';

export interface ContractOptions {
  readonly dedupeWindow: number;
  readonly maxPending: number;
  readonly retention: number;
}

export interface Harness {
  /** An outbox that is not open yet; called again with the same place, it opens what was there. */
  create(place: string, options: ContractOptions, clock: StillClock): Outbox;
  newPlace(): Promise<string>;
  /** Whether it keeps anything when it is closed. */
  readonly keeps: boolean;
}

const HOUR = 3_600_000;
const OPTIONS: ContractOptions = { dedupeWindow: HOUR, maxPending: 1_000, retention: HOUR };

/** What every outbox does, whatever it is made of. */
export function outboxContract(name: string, harness: Harness): void {
  const opened: Outbox[] = [];

  afterEach(async () => {
    for (const outbox of opened.splice(0)) await outbox.close();
  });

  async function start(
    sinks: readonly string[] = ['archive'],
    options: Partial<ContractOptions> = {},
    place?: string,
    clock = new StillClock(NOW),
  ): Promise<{ outbox: Outbox; clock: StillClock; place: string }> {
    const where = place ?? (await harness.newPlace());
    const outbox = harness.create(where, { ...OPTIONS, ...options }, clock);
    await outbox.open(sinks);
    opened.push(outbox);
    return { outbox, clock, place: where };
  }

  async function outcomes(outbox: Outbox, events: readonly NewEvent[]): Promise<string[]> {
    return (await outbox.append(delivery(events))).map(({ outcome }) => outcome);
  }

  async function sink(outbox: Outbox, sinkName = 'archive') {
    const stats = await outbox.stats();
    return stats.sinks.find((each) => each.name === sinkName);
  }

  async function codeOf(promise: Promise<unknown>): Promise<string> {
    const error = await promise.then(
      () => new Error('it resolved'),
      (reason: unknown) => reason,
    );
    return error instanceof TrackbridgeError ? error.code : String(error);
  }

  describe(`${name}: append`, () => {
    it('answers one outcome an event, in their order, with ids that differ', async () => {
      const { outbox } = await start();
      const appended = await outbox.append(delivery(newEvents(3)));
      expect(appended.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
      expect(new Set(appended.map((each) => ('id' in each ? each.id : ''))).size).toBe(3);
    });

    it('takes an empty delivery', async () => {
      const { outbox } = await start();
      expect(await outbox.append(delivery([]))).toEqual([]);
    });

    it('calls the second event with the same scope and messageId a duplicate', async () => {
      const { outbox } = await start();
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['accepted']);
      expect(await outcomes(outbox, [newEvent('a'), newEvent('b')])).toEqual([
        'duplicate',
        'accepted',
      ]);
    });

    it('finds duplicates within one delivery', async () => {
      const { outbox } = await start();
      expect(await outcomes(outbox, [newEvent('a'), newEvent('a')])).toEqual([
        'accepted',
        'duplicate',
      ]);
    });

    it('writes concurrent duplicates once', async () => {
      const { outbox } = await start();
      const all = await Promise.all(
        Array.from({ length: 20 }, () => outcomes(outbox, [newEvent('a')])),
      );
      expect(all.flat().filter((outcome) => outcome === 'accepted')).toHaveLength(1);
      expect((await sink(outbox))?.pending).toBe(1);
    });

    it('keeps scopes apart, also where scope and id could be cut differently', async () => {
      const { outbox } = await start();
      const events = [
        newEvent('c', { scope: 'ab' }),
        newEvent('bc', { scope: 'a' }),
        newEvent('x:c', { scope: 'a' }),
        newEvent('c', { scope: 'a:x' }),
      ];
      expect(await outcomes(outbox, events)).toEqual(Array(4).fill('accepted'));
    });

    it('tells ids apart that differ only behind a NUL, or in lone surrogates', async () => {
      const { outbox } = await start();
      const events = ['m\0a', 'm\0b', '\ud800', '\ud801'].map((id) => newEvent(id));
      expect(await outcomes(outbox, events)).toEqual(Array(4).fill('accepted'));
    });

    it('never calls an event without a messageId a duplicate', async () => {
      const { outbox } = await start();
      const { messageId: _, ...event } = newEvent('a');
      expect(await outcomes(outbox, [event, event])).toEqual(['accepted', 'accepted']);
    });

    it('forgets a messageId when the window is over, and not before', async () => {
      const { outbox, clock } = await start();
      await outcomes(outbox, [newEvent('a')]);
      clock.move(HOUR - 1);
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['duplicate']);
      clock.move(1);
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['accepted']);
      clock.move(HOUR - 1);
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['duplicate']);
    });

    it('remembers messageIds when the clock jumps back', async () => {
      const { outbox, clock } = await start();
      await outcomes(outbox, [newEvent('a')]);
      clock.move(-48 * HOUR);
      expect(await outcomes(outbox, [newEvent('a'), newEvent('b')])).toEqual([
        'duplicate',
        'accepted',
      ]);
      clock.move(48 * HOUR);
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['duplicate']);
    });

    it('accepts an authenticated event after an unauthenticated one, but not the other way round', async () => {
      const { outbox } = await start();
      const forged = newEvent('a', { authenticated: false });
      const genuine = newEvent('a');
      expect(await outcomes(outbox, [forged, forged])).toEqual(['accepted', 'duplicate']);
      expect(await outcomes(outbox, [genuine])).toEqual(['accepted']);
      expect(await outcomes(outbox, [genuine, forged])).toEqual(['duplicate', 'duplicate']);
    });

    it('refuses what would pass maxPending as a whole, and still answers duplicates', async () => {
      const { outbox } = await start(['archive'], { maxPending: 3 });
      await outcomes(outbox, newEvents(2));
      expect(await codeOf(outbox.append(delivery([newEvent('x'), newEvent('y')])))).toBe(
        'OUTBOX_FULL',
      );
      expect(await outcomes(outbox, newEvents(2))).toEqual(['duplicate', 'duplicate']);
      expect(await outcomes(outbox, [newEvent('x')])).toEqual(['accepted']);
      expect(await codeOf(outbox.append(delivery([newEvent('y')])))).toBe('OUTBOX_FULL');
      expect(await codeOf(outbox.probe())).toBe('OUTBOX_FULL');
      expect(await outbox.stats()).toMatchObject({ accepted: 3, duplicates: 2, pending: 3 });
    });

    it('takes deliveries again when there is room again', async () => {
      const { outbox } = await start(['archive'], { maxPending: 2 });
      await outcomes(outbox, newEvents(2));
      const consumer = outbox.consumer('archive', 1);
      await consumer.settle(done(await consumer.claim(0, 1)));
      expect(await outcomes(outbox, [newEvent('x')])).toEqual(['accepted']);
      await expect(outbox.append(delivery([newEvent('y')]))).rejects.toMatchObject({
        status: 503,
        retryAfter: expect.any(Number),
      });
    });

    it('caps the quarantine likewise', async () => {
      const { outbox } = await start(['archive'], { maxPending: 2 });
      await outbox.append(delivery([], [newQuarantined(), newQuarantined()]));
      expect(await codeOf(outbox.append(delivery([newEvent('a')], [newQuarantined()])))).toBe(
        'OUTBOX_FULL',
      );
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['accepted']);
    });

    it('rejects with BUDGET_SPENT where the signal has aborted already', async () => {
      const { outbox } = await start();
      const promise = outbox.append(delivery([newEvent('a')]), AbortSignal.abort());
      expect(await codeOf(promise)).toBe('BUDGET_SPENT');
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['accepted']);
    });

    it('owes nothing where there is no sink', async () => {
      const { outbox } = await start([], { maxPending: 1 });
      expect(await outcomes(outbox, newEvents(5))).toEqual(Array(5).fill('accepted'));
      expect(await outbox.stats()).toMatchObject({ accepted: 5, pending: 0, sinks: [] });
      await expect(outbox.probe()).resolves.toBeUndefined();
    });

    it('rejects with a 503 once it is closed', async () => {
      const { outbox } = await start();
      await outbox.close();
      await expect(outbox.append(delivery([newEvent('a')]))).rejects.toMatchObject({ status: 503 });
      await expect(outbox.probe()).rejects.toMatchObject({ status: 503 });
    });
  });

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

  describe(`${name}: dead letters`, () => {
    async function withDeadLetters(
      count: number,
    ): Promise<{ outbox: Outbox; consumer: Consumer; clock: StillClock }> {
      const { outbox, clock } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(count));
      const consumer = outbox.consumer('archive', 1);
      const claimed = await consumer.claim(0, count);
      await consumer.settle(
        claimed.map(({ id }) => ({ id, outcome: 'retry', attempt: { at: NOW, error: 'first' } })),
      );
      await consumer.settle(
        claimed.map(({ id }) => ({
          id,
          outcome: 'dead',
          attempt: { at: NOW + 9, error: 'last' },
        })),
      );
      return { outbox, consumer, clock };
    }

    it('keeps the event, its sink and all attempts', async () => {
      const { outbox } = await withDeadLetters(1);
      const [letter] = await outbox.deadLetters.list({ limit: 10 });
      expect(letter).toEqual({
        id: expect.any(String),
        sink: 'archive',
        at: NOW + 9,
        attempts: [
          { at: NOW, error: 'first' },
          { at: NOW + 9, error: 'last' },
        ],
        json: newEvent('m0').json,
      });
      expect(await outbox.deadLetters.get(letter?.id ?? '')).toEqual(letter);
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 0, deadLetters: 1 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 1, deadLetters: 0 });
    });

    it('lists oldest first, by sink and by page', async () => {
      const { outbox } = await withDeadLetters(5);
      const page = await outbox.deadLetters.list({ limit: 2, name: 'archive' });
      expect(page.map(({ json }) => JSON.parse(json).messageId)).toEqual(['m0', 'm1']);
      const next = await outbox.deadLetters.list({ limit: 9, after: page[1]?.id ?? '' });
      expect(next.map(({ json }) => JSON.parse(json).messageId)).toEqual(['m2', 'm3', 'm4']);
      expect(await outbox.deadLetters.list({ limit: 9, name: 'orders' })).toEqual([]);
    });

    it('replays an event for its own sink only, at the end of the line', async () => {
      const { outbox, consumer } = await withDeadLetters(1);
      await outcomes(outbox, [newEvent('later')]);
      const [letter] = await outbox.deadLetters.list({ limit: 1 });
      expect(await outbox.deadLetters.replay([letter?.id ?? '', 'nonsense'])).toBe(1);
      expect(await outbox.deadLetters.list({ limit: 1 })).toEqual([]);
      expect(await sink(outbox)).toMatchObject({ pending: 2, deadLetters: 0 });
      const again = await claimAll(consumer);
      expect(idsOf(again)).toEqual(['later', 'm0']);
      expect(again[1]?.attempts).toEqual([]);
      await consumer.settle(done(again));
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 2 });
      const orders = outbox.consumer('orders', 1);
      const others = await claimAll(orders);
      expect(idsOf(others)).toEqual(['m0', 'later']);
      await orders.settle(done(others));
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 0, delivered: 2 });
    });

    it('purges those named and says how many there were', async () => {
      const { outbox } = await withDeadLetters(3);
      const ids = (await outbox.deadLetters.list({ limit: 2 })).map(({ id }) => id);
      expect(await outbox.deadLetters.purge([...ids, '424242', ''])).toBe(2);
      expect(await outbox.deadLetters.purge(ids)).toBe(0);
      expect(await sink(outbox)).toMatchObject({ deadLetters: 1 });
      expect(await outbox.deadLetters.get(ids[0] ?? '')).toBeUndefined();
    });
  });

  describe(`${name}: quarantine`, () => {
    it('keeps entries as they were given', async () => {
      const { outbox } = await start();
      await outbox.append(delivery([newEvent('a')], [newQuarantined()]));
      const [entry] = await outbox.quarantine.list({ limit: 10 });
      expect(entry).toEqual({ id: expect.any(String), ...newQuarantined() });
      expect(await outbox.quarantine.get(entry?.id ?? '')).toEqual(entry);
      expect(await outbox.quarantine.get('nonsense')).toBeUndefined();
      expect(await outbox.stats()).toMatchObject({ accepted: 1, quarantined: 1, inQuarantine: 1 });
    });

    it('lists by source and by page, and purges', async () => {
      const { outbox } = await start();
      const entries = ['a', 'b', 'a', 'a'].map((source) => newQuarantined({ source }));
      await outbox.append(delivery([], entries));
      const page = await outbox.quarantine.list({ name: 'a', limit: 2 });
      expect(page).toHaveLength(2);
      const rest = await outbox.quarantine.list({ name: 'a', limit: 2, after: page[1]?.id ?? '' });
      expect(rest).toHaveLength(1);
      expect(await outbox.quarantine.purge(rest.map(({ id }) => id))).toBe(1);
      expect(await outbox.stats()).toMatchObject({ quarantined: 4, inQuarantine: 3 });
    });

    it('accepts what an entry has become and takes the entry away, as one step', async () => {
      const { outbox } = await start();
      await outbox.append(delivery([newEvent('known')], [newQuarantined(), newQuarantined()]));
      const [first, second] = await outbox.quarantine.list({ limit: 2 });
      const accepted = await outbox.quarantine.accept(first?.id ?? '', newEvent('fixed'));
      expect(accepted.outcome).toBe('accepted');
      const again = await outbox.quarantine.accept(second?.id ?? '', newEvent('known'));
      expect(again).toEqual({ outcome: 'duplicate' });
      expect(await outbox.stats()).toMatchObject({ accepted: 2, duplicates: 1, inQuarantine: 0 });
      expect(idsOf(await outbox.consumer('archive', 1).claim(0, 9))).toEqual(['known', 'fixed']);
    });

    it('rejects with NOT_FOUND what is not there, and keeps the entry where the outbox is full', async () => {
      const { outbox } = await start(['archive'], { maxPending: 1 });
      expect(await codeOf(outbox.quarantine.accept('7', newEvent('a')))).toBe('NOT_FOUND');
      await outbox.append(delivery([newEvent('b')], [newQuarantined()]));
      const [entry] = await outbox.quarantine.list({ limit: 1 });
      expect(await codeOf(outbox.quarantine.accept(entry?.id ?? '', newEvent('a')))).toBe(
        'OUTBOX_FULL',
      );
      expect(await outbox.quarantine.list({ limit: 1 })).toEqual([entry]);
    });
  });

  describe.runIf(harness.keeps)(`${name}: across a restart`, () => {
    it('keeps events, attempts, settlements, dead letters, quarantine, counters and messageIds', async () => {
      const { outbox, place, clock } = await start(['archive']);
      await outbox.append(delivery(newEvents(6), [newQuarantined()]));
      const consumer = outbox.consumer('archive', 1);
      const [a, b, c, d] = await consumer.claim(0, 4);
      if (!a || !b || !c || !d) throw new Error('four events were expected');
      const attempt = { at: NOW, error: 'reset' };
      await consumer.settle([
        { id: a.id, outcome: 'done' },
        { id: b.id, outcome: 'retry', attempt },
        { id: c.id, outcome: 'dead', attempt },
        { id: d.id, outcome: 'done' },
      ]);
      const before = await outbox.stats();
      const letters = await outbox.deadLetters.list({ limit: 10 });
      await outbox.close();

      const next = await start(['archive'], {}, place, clock);
      expect(await next.outbox.stats()).toEqual(before);
      expect(before).toMatchObject({ accepted: 6, pending: 3, inQuarantine: 1 });
      expect(await next.outbox.deadLetters.list({ limit: 10 })).toEqual(letters);
      const claimed = await claimAll(next.outbox.consumer('archive', 1));
      expect(idsOf(claimed)).toEqual(['m1', 'm4', 'm5']);
      expect(claimed[0]?.attempts).toEqual([attempt]);
      expect(await outcomes(next.outbox, [newEvent('m0'), newEvent('m9')])).toEqual([
        'duplicate',
        'accepted',
      ]);
    });

    it('starts a new sink with the next event, and lets one that comes back go on', async () => {
      const { outbox, place } = await start(['archive']);
      await outcomes(outbox, newEvents(2));
      await outbox.close();
      const second = await start(['orders'], {}, place);
      await outcomes(second.outbox, newEvents(1, {}, 2));
      expect(idsOf(await claimAll(second.outbox.consumer('orders', 1)))).toEqual(['m2']);
      expect((await second.outbox.stats()).sinks.map((each) => each.name)).toEqual(['orders']);
      await second.outbox.close();
      const third = await start(['archive', 'orders'], {}, place);
      expect(idsOf(await claimAll(third.outbox.consumer('archive', 1)))).toEqual([
        'm0',
        'm1',
        'm2',
      ]);
      expect(await sink(third.outbox)).toMatchObject({ pending: 3 });
    });
  });
}

/** Where an order key goes is the outbox's business; the tests ask the one function all of them share. */
function laneOf(orderKey: string, lanes: number): number {
  return orderHash(orderKey) % lanes;
}
