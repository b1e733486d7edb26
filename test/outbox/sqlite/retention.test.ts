import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkStore } from '../../../src/outbox/sqlite/health/check.js';
import { crashed, type InProcess, inProcess } from '../in-process.js';
import {
  claim,
  claimAll,
  delivery,
  done,
  NOW,
  named,
  newEvent,
  newEvents,
  newQuarantined,
  settle,
} from '../samples.js';
import { StillClock } from '../still-clock.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();
const HOUR = 3_600_000;

interface Started extends InProcess {
  readonly clock: StillClock;
  readonly path: string;
}

async function start(sinks: readonly string[], size?: number): Promise<Started> {
  const clock = new StillClock(NOW);
  const path = join(await newPlace(), 'outbox.db');
  const options = {
    dedupeWindow: HOUR,
    maxPending: 1e6,
    retention: { age: HOUR, ...(size === undefined ? {} : { size }) },
    durability: 'normal',
  } as const;
  const started = inProcess({ path, ...options }, clock);
  await started.outbox.open(named(...sinks));
  return { ...started, clock, path };
}

function kept({ store }: InProcess): number {
  return store().database.prepare('SELECT count(*) AS events FROM event').get().events;
}

/** Lets the sweeper look once, and as often as it wants after that. */
async function sweep({ clock, outbox, path }: Started): Promise<void> {
  clock.move(1_000);
  for (let turn = 0; turn < 200; turn += 1) await outbox.stats();
  // What is left adds up.
  expect(checkStore(await crashed(path, await newPlace())).problems).toEqual([]);
}

it('keeps delivered events for the retention, and deletes them then', async () => {
  const started = await start(['archive']);
  await started.outbox.append(delivery(newEvents(2_500)));
  const consumer = started.outbox.consumer('archive', 1);
  await settle(consumer, done(await claimAll(consumer)));
  started.clock.move(HOUR - 10_000);
  await sweep(started);
  expect(kept(started)).toBe(2_500);
  started.clock.move(10_000);
  await sweep(started);
  expect(kept(started)).toBe(0);
  expect(await started.outbox.stats()).toMatchObject({ accepted: 2_500, pending: 0 });
});

it('never deletes what a configured sink has not settled, nor what came after it', async () => {
  const started = await start(['archive', 'orders']);
  await started.outbox.append(delivery(newEvents(10)));
  const archive = started.outbox.consumer('archive', 1);
  await settle(archive, done(await claimAll(archive)));
  const orders = started.outbox.consumer('orders', 1);
  const claimed = await claimAll(orders);
  await settle(orders, done(claimed.filter((_, at) => at !== 4)));
  started.clock.move(2 * HOUR);
  await sweep(started);
  expect(kept(started)).toBe(6);
  await settle(orders, done(claimed.slice(4, 5)));
  await sweep(started);
  expect(kept(started)).toBe(0);
});

it('does not hold events back for a sink that is configured no more, and counts what that one lost', async () => {
  const first = await start(['archive', 'orders']);
  await first.outbox.append(delivery(newEvents(10)));
  const archive = first.outbox.consumer('archive', 1);
  await settle(archive, done(await claimAll(archive)));
  const { store } = first;
  // As after a restart without `orders`, and later one with it again.
  store().database.exec("UPDATE sink SET active = 0 WHERE name = 'orders'");
  await reload(first);
  first.clock.move(2 * HOUR);
  await sweep(first);
  expect(kept(first)).toBe(0);
  const lost = store()
    .database.prepare("SELECT position, pending FROM sink WHERE name = 'orders'")
    .get();
  expect(lost).toMatchObject({ position: 10, pending: 0 });
});

describe('a size', () => {
  const MB = 1024 * 1024;
  const events = (count: number, from: number) =>
    newEvents(count, { json: 'x'.repeat(4_000) }, from);
  /** Bytes that are in use. */
  const used = ({ store }: Started): number => {
    const value = (name: string): number => store().database.prepare(`PRAGMA ${name}`).get()[name];
    return (value('page_count') - value('freelist_count')) * value('page_size');
  };

  it('makes the oldest delivered events go before their age, and no more than have to', async () => {
    const started = await start(['archive'], 4 * MB);
    const consumer = started.outbox.consumer('archive', 1);
    for (let round = 0; round < 5; round += 1) {
      await started.outbox.append(delivery(events(500, round * 500)));
      await settle(consumer, done(await claimAll(consumer)));
      await sweep(started);
      expect(used(started)).toBeLessThanOrEqual(4 * MB);
    }
    expect(used(started)).toBeGreaterThan(3 * MB);
    const first = started.store().database.prepare('SELECT min(position) AS first FROM event');
    expect(first.get().first).toBe(2_500 - kept(started) + 1);
  });

  it('never makes a pending event go, nor one delivered after it', async () => {
    const started = await start(['archive', 'orders'], MB);
    await started.outbox.append(delivery(events(1_000, 0)));
    const archive = started.outbox.consumer('archive', 1);
    await settle(archive, done(await claimAll(archive)));
    await sweep(started);
    expect(kept(started)).toBe(1_000);
    const orders = started.outbox.consumer('orders', 1);
    const claimed = await claim(orders, 0, 300);
    await settle(orders, done(claimed));
    await sweep(started);
    expect(claimed.length).toBeGreaterThan(0);
    expect(kept(started)).toBe(1_000 - claimed.length);
    expect((await started.outbox.stats()).pending).toBe(1_000 - claimed.length);
  });

  it('deletes no more of large events than has to go', async () => {
    const started = await start([], 4 * MB);
    const large = newEvents(10, { json: 'x'.repeat(MB) });
    for (const event of large) await started.outbox.append(delivery([event]));
    await sweep(started);
    expect(kept(started)).toBe(3);
  });

  it('writes nothing while the store is smaller', async () => {
    const started = await start([], 4 * MB);
    await started.outbox.append(delivery(events(100, 0)));
    const changes = started.store().database.prepare('SELECT total_changes() AS n');
    const before = changes.get().n;
    await sweep(started);
    expect(changes.get().n).toBe(before);
  });
});

it('deletes what arrived under a clock that was far ahead', async () => {
  const started = await start([]);
  await started.outbox.append(delivery(newEvents(3, { receivedAt: NOW + 1_000 * 24 * HOUR })));
  await sweep(started);
  expect(kept(started)).toBe(0);
});

it('keeps what arrived under a clock that was a little ahead', async () => {
  const started = await start([]);
  await started.outbox.append(delivery(newEvents(3, { receivedAt: NOW + 60_000 })));
  await sweep(started);
  expect(kept(started)).toBe(3);
});

it('keeps younger events when an old entry of the quarantine is replayed behind them', async () => {
  const started = await start([]);
  const old = NOW - 2 * HOUR;
  await started.outbox.append(delivery(newEvents(3), [newQuarantined({ receivedAt: old })]));
  const [entry] = await started.outbox.quarantine.list({ limit: 1 });
  const event = newEvent('replayed', { receivedAt: old });
  await started.outbox.quarantine.accept(String(entry?.id), event);
  await sweep(started);
  expect(kept(started)).toBe(4);
  started.clock.move(HOUR);
  await sweep(started);
  expect(kept(started)).toBe(0);
});

it('writes nothing while there is nothing to do', async () => {
  const started = await start(['archive']);
  await started.outbox.append(delivery(newEvents(3)));
  const { database } = started.store();
  const changes = (): unknown => database.prepare('SELECT total_changes() AS n').get().n;
  const before = changes();
  for (let second = 0; second < 5; second += 1) await sweep(started);
  expect(started.asked('commit')).toBeGreaterThan(5);
  expect(changes()).toBe(before);
});

/** Makes the store read its counters again, as it does after a transaction that failed. */
async function reload({ store, outbox }: InProcess): Promise<void> {
  const pages = store().database.prepare('PRAGMA page_count').get().page_count;
  store().database.exec(`PRAGMA max_page_count = ${pages}`);
  const large = newEvents(200, { json: 'x'.repeat(50_000) }, 1_000);
  await expect(outbox.append(delivery(large))).rejects.toMatchObject({
    code: 'OUTBOX_UNAVAILABLE',
  });
  store().database.exec('PRAGMA max_page_count = 1000000');
}
