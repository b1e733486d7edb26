import { join } from 'node:path';
import { expect, it } from 'vitest';
import { orderHash } from '../../src/outbox/order-hash.js';
import type { NewEvent } from '../../src/outbox/outbox.js';
import { type InProcess, inProcess } from './in-process.js';
import { claimAll, delivery, done, idsOf, NOW, newEvent, newEvents } from './samples.js';
import { StillClock } from './still-clock.js';
import { temporaryPlaces } from './temporary-places.js';

const newPlace = temporaryPlaces();
const HOUR = 3_600_000;

async function start(): Promise<InProcess> {
  const path = join(await newPlace(), 'outbox.db');
  const options = {
    dedupeWindow: HOUR,
    maxPending: 1e6,
    retention: HOUR,
    durability: 'normal',
  } as const;
  const started = inProcess({ path, ...options }, new StillClock(NOW));
  await started.outbox.open(['archive']);
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
  const stuck = await consumer.claim(0, 10);
  const moving = await claimAll(consumer, 1);
  expect(idsOf(moving)).toEqual(idsOfKey(events, MOVING));
  await consumer.settle(done(moving));

  await outbox.append(delivery(alternating(100, 6_000)));
  expect(idsOf(await claimAll(consumer, 1))).toHaveLength(50);
  const rest = await claimAll(consumer, 0);
  expect(idsOf([...stuck, ...rest])).toEqual([
    ...idsOfKey(events, STUCK),
    ...idsOfKey(alternating(100, 6_000), STUCK),
  ]);
  await consumer.settle(done([...stuck, ...rest]));
  expect((await outbox.stats()).sinks[0]).toMatchObject({ pending: 50, delivered: 6_050 });
});

it('holds little in memory however large the backlog, and reads it in small pieces', async () => {
  const { outbox, asked } = await start();
  await outbox.append(delivery(newEvents(5_000)));
  const consumer = outbox.consumer('archive', 1);
  expect(await consumer.claim(0, 1)).toHaveLength(1);
  expect(asked('scan')).toBe(1);
  expect((await consumer.claim(0, 10_000)).length).toBeLessThan(1_000);
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
    const claimed = await consumer.claim(at % 2, 10);
    expect(idsOf(claimed)).toEqual([`m${at}`]);
    await consumer.settle(done(claimed));
  }
  expect(asked('scan')).toBe(0);
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
  const claimed = await consumer.claim(0, 3);
  store().database.exec('PRAGMA query_only = 1');
  await expect(consumer.settle(done(claimed))).rejects.toMatchObject({ status: 503 });
  expect((await outbox.stats()).sinks[0]).toMatchObject({ pending: 3, delivered: 0 });
  store().database.exec('PRAGMA query_only = 0');
  await consumer.settle(done(claimed));
  expect((await outbox.stats()).sinks[0]).toMatchObject({ pending: 0, delivered: 3 });
});

function idsOfKey(events: readonly NewEvent[], orderKey: string): string[] {
  return events
    .filter((event) => event.orderKey === orderKey)
    .map(({ messageId }) => messageId ?? '');
}
