import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { NewEvent } from '../../../src/outbox/intake.js';
import { orderHash } from '../../../src/outbox/order-hash.js';
import { SqliteConsumer } from '../../../src/outbox/sqlite/consumer.js';
import { type InProcess, inProcess } from '../in-process.js';
import {
  claim,
  claimAll,
  delivery,
  done,
  idsOf,
  NOW,
  named,
  newEvent,
  newEvents,
  settle,
} from '../samples.js';
import { StillClock } from '../still-clock.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();
const HOUR = 3_600_000;

async function start(): Promise<InProcess> {
  const path = join(await newPlace(), 'outbox.db');
  const options = {
    dedupeWindow: HOUR,
    maxPending: 1e6,
    retention: { age: HOUR },
    durability: 'normal',
  } as const;
  const started = inProcess({ path, ...options }, new StillClock(NOW));
  await started.outbox.open(named('archive'));
  return started;
}

/** An order key that falls on the lane. */
function keyOn(lane: number, lanes: number): string {
  for (let at = 0; ; at += 1) if (orderHash(`u:${at}`) % lanes === lane) return `u:${at}`;
}

const [STUCK, MOVING] = [keyOn(0, 2), keyOn(1, 2)];

/** Alternating between the two lanes. */
function alternating(count: number, from = 0): NewEvent[] {
  return newEvents(count, {}, from).map((event, at) => ({
    ...event,
    orderKey: at % 2 === 0 ? STUCK : MOVING,
  }));
}

it('goes on with other lanes while one is stuck, and with that one, in order, when it moves again', async () => {
  const { outbox } = await start();
  const events = alternating(6_000);
  for (let at = 0; at < 6_000; at += 500) {
    await outbox.append(delivery(events.slice(at, at + 500)));
  }
  const consumer = outbox.consumer('archive', 2);
  const stuck = await claim(consumer, 0, 10);
  const moving = await claimAll(consumer, 1);
  expect(idsOf(moving)).toEqual(idsOfKey(events, MOVING));
  await settle(consumer, done(moving));

  await outbox.append(delivery(alternating(100, 6_000)));
  expect(idsOf(await claimAll(consumer, 1))).toHaveLength(50);
  const rest = await claimAll(consumer, 0);
  expect(idsOf([...stuck, ...rest])).toEqual([
    ...idsOfKey(events, STUCK),
    ...idsOfKey(alternating(100, 6_000), STUCK),
  ]);
  await settle(consumer, done([...stuck, ...rest]));
  expect((await outbox.stats()).sinks[0]).toMatchObject({ pending: 50, delivered: 6_050 });
});

it('holds little in memory however large the backlog, and reads it in small pieces', async () => {
  const { outbox, asked } = await start();
  await outbox.append(delivery(newEvents(5_000)));
  const consumer = outbox.consumer('archive', 1);
  expect(await claim(consumer, 0, 1)).toHaveLength(1);
  expect(asked('scan')).toBe(1);
  expect((await claim(consumer, 0, 10_000)).length).toBeLessThan(1_000);
});

it('lags while lanes claim and leave some, not while they wait', async () => {
  const { outbox, store } = await start();
  await outbox.append(delivery(newEvents(3)));
  const consumer = new SqliteConsumer('archive', 1, {
    clock: new StillClock(NOW),
    tail: () => store().tail,
    sinks: 1,
    scan: async (request) => store().scanner.scan(request),
    texts: async (positions) => store().scanner.texts(positions),
    settle: async () => undefined,
    onGarbled: () => undefined,
    onClose: () => undefined,
  });
  expect(consumer.lags()).toBe(false);
  await claim(consumer, 0, 1);
  expect(consumer.lags()).toBe(true);
  expect(consumer.lags()).toBe(false);
  await claim(consumer, 0, 0);
  expect(consumer.lags()).toBe(false);
  await claim(consumer, 0, 2);
  expect(consumer.lags()).toBe(false);
});

it('answers a few deliveries at a time while a sink lags', async () => {
  const { outbox } = await start();
  await outbox.append(delivery(newEvents(10)));
  const consumer = outbox.consumer('archive', 1);
  await claim(consumer, 0, 1);
  const answered: string[] = [];
  const all = newEvents(20, {}, 10).map(async (event) => {
    await outbox.append(delivery([event]));
    answered.push(event.messageId ?? '');
  });
  while (answered.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(answered.length).toBeLessThan(20);
  await Promise.all(all);
  expect(answered).toEqual(newEvents(20, {}, 10).map(({ messageId }) => messageId));
});

it('reads ahead while a lane delivers what it has', async () => {
  const { outbox, asked } = await start();
  await outbox.append(delivery(newEvents(2_000)));
  const consumer = outbox.consumer('archive', 1);
  await claim(consumer, 0, 1);
  await claim(consumer, 0, 1);
  expect(asked('scan')).toBe(1);
  await claim(consumer, 0, 100);
  expect(asked('scan')).toBe(2);
  expect((await claim(consumer, 0, 2_000)).length).toBeLessThan(1_100);
});

it('needs no read any more once it has caught up, although events keep coming in', async () => {
  const { outbox, asked } = await start();
  await outbox.append(delivery(newEvents(10)));
  const consumer = outbox.consumer('archive', 1);
  // The read comes after a write that is in progress, and before the next.
  const before = outbox.append(delivery([newEvent('before')]));
  await vi.waitUntil(() => asked('commit') === 2);
  const claiming = claim(consumer, 0, 100);
  await vi.waitUntil(() => asked('scan') === 1);
  const after = outbox.append(delivery([newEvent('after')]));
  const first = idsOf(await claiming);
  await Promise.all([before, after]);
  const ids = [...first, ...idsOf(await claim(consumer, 0, 100))];
  expect(ids.slice(9)).toEqual(['m9', 'before', 'after']);
  expect(asked('scan')).toBe(1);
});

it('hands a sink that keeps up its events without reading the store', async () => {
  const { outbox, asked } = await start();
  const consumer = outbox.consumer('archive', 2);
  for (let at = 0; at < 20; at += 1) {
    const waiting = consumer.available(at % 2, new AbortController().signal);
    await outbox.append(
      delivery([newEvent(`m${at}`, { orderKey: at % 2 === 0 ? STUCK : MOVING })]),
    );
    await waiting;
    const claimed = await claim(consumer, at % 2, 10);
    expect(idsOf(claimed)).toEqual([`m${at}`]);
    await settle(consumer, done(claimed));
  }
  expect(asked('scan')).toBe(0);
});

it('keeps large texts in the store until they are claimed, just written ones too', async () => {
  const { outbox, asked } = await start();
  const consumer = outbox.consumer('archive', 2);
  const text = 'x'.repeat(100_000);
  for (const id of ['m0', 'm1', 'm2']) {
    await outbox.append(
      delivery([newEvent(id, { json: JSON.stringify({ messageId: id, text }) })]),
    );
  }
  const lane = orderHash('u:ann') % 2;
  expect(await claim(consumer, lane, 9, () => false)).toEqual([]);
  expect(asked('texts')).toBe(0);
  expect(idsOf(await claim(consumer, lane, 2))).toEqual(['m0', 'm1']);
  expect(asked('texts')).toBe(1);
  expect(idsOf(await claim(consumer, lane, 2))).toEqual(['m2']);
  expect(asked('scan')).toBe(0);
});

it('has claimed nothing where a large text could not be read', async () => {
  const { outbox, store } = await start();
  const consumer = outbox.consumer('archive', 1);
  const text = 'x'.repeat(100_000);
  await outbox.append(
    delivery([newEvent('m0'), newEvent('m1', { json: JSON.stringify({ messageId: 'm1', text }) })]),
  );
  const texts = vi.spyOn(store().scanner, 'texts').mockImplementation(() => {
    throw new Error('disk I/O error');
  });
  await expect(claim(consumer, 0, 2)).rejects.toThrow();
  texts.mockRestore();
  expect(idsOf(await claim(consumer, 0, 2))).toEqual(['m0', 'm1']);
});

it('wakes only the lane that has something', async () => {
  const { outbox } = await start();
  const consumer = outbox.consumer('archive', 2);
  const woken: number[] = [];
  const abort = new AbortController();
  const waits = [0, 1].map((lane) =>
    consumer.available(lane, abort.signal).then(() => woken.push(lane)),
  );
  await outbox.append(delivery([newEvent('a', { orderKey: MOVING })]));
  await Promise.resolve();
  expect(woken).toEqual([1]);
  abort.abort();
  await Promise.all(waits);
});

it('keeps a failed settlement open, so that it can be tried again', async () => {
  const { outbox, store } = await start();
  await outbox.append(delivery(newEvents(3)));
  const consumer = outbox.consumer('archive', 1);
  const claimed = await claim(consumer, 0, 3);
  store().database.exec('PRAGMA query_only = 1');
  await expect(settle(consumer, done(claimed))).rejects.toMatchObject({ status: 503 });
  expect((await outbox.stats()).sinks[0]).toMatchObject({ pending: 3, delivered: 0 });
  store().database.exec('PRAGMA query_only = 0');
  await settle(consumer, done(claimed));
  expect((await outbox.stats()).sinks[0]).toMatchObject({ pending: 0, delivered: 3 });
});

function idsOfKey(events: readonly NewEvent[], orderKey: string): string[] {
  return events
    .filter((event) => event.orderKey === orderKey)
    .map(({ messageId }) => messageId ?? '');
}
