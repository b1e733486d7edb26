import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Outbox } from '../../../src/outbox/outbox.js';
import { ReplayDriver } from '../../../src/outbox/replay/driver.js';
import { checkStore } from '../../../src/outbox/sqlite/health/check.js';
import { crashed, type InProcess, inProcess } from '../in-process.js';
import { claimAll, delivery, done, idsOf, NOW, newEvent, newEvents, settle } from '../samples.js';
import { StillClock } from '../still-clock.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();
const HOUR = 3_600_000;

async function start(path: string, maxPending = 1e6): Promise<InProcess> {
  const options = { dedupeWindow: HOUR, maxPending, retention: { age: HOUR } };
  const started = inProcess({ path, durability: 'normal', ...options }, new StillClock(NOW));
  await started.outbox.open([{ name: 'archive' }]);
  return started;
}

async function deliverAll(outbox: Outbox): Promise<string[]> {
  const consumer = outbox.consumer('archive', 1);
  const claimed = await claimAll(consumer);
  await settle(consumer, done(claimed));
  await consumer.close();
  return idsOf(claimed);
}

async function place(): Promise<string> {
  return join(await newPlace(), 'outbox.db');
}

it('requeues what is retained, in order, behind what is pending, and goes on after a restart', async () => {
  const path = await place();
  const first = await start(path);
  await first.outbox.append(delivery(newEvents(5)));
  await deliverAll(first.outbox);
  await first.outbox.append(delivery(newEvents(1, {}, 5)));
  const { replays } = first.outbox;
  expect(await replays.begin('archive', {})).toMatchObject({ state: 'running', requeued: 0 });
  await expect(replays.begin('archive', {})).rejects.toMatchObject({ code: 'OVERLOADED' });
  expect(await replays.step('archive', 2)).toMatchObject({ requeued: 2, pending: 2 });
  expect(await replays.step('archive', 2)).toMatchObject({ requeued: 2, pending: 2 });
  const second = await start(await crashed(path, await newPlace()));
  expect(await deliverAll(second.outbox)).toEqual(['m5', 'm0', 'm1']);
  await second.outbox.replays.step('archive', 100);
  await second.outbox.append(delivery(newEvents(1, {}, 6)));
  // What was pending when it was reached had been delivered by then, so it counts as retained.
  expect(await deliverAll(second.outbox)).toEqual(['m2', 'm3', 'm4', 'm5', 'm6']);
  expect(await second.outbox.replays.list()).toMatchObject([
    { sink: 'archive', state: 'done', requeued: 6, pending: 0, left: 0 },
  ]);
});

it('replays what the filter selects, and counts it without replaying', async () => {
  const { outbox } = await start(await place());
  const json = (type: string, event: string, userId: string, source: string): string =>
    JSON.stringify({ messageId: `${event}-${userId}`, type, event, userId, receipt: { source } });
  await outbox.append(
    delivery([
      newEvent('1', { json: json('track', 'Order A', 'ann', 'web'), receivedAt: NOW - HOUR / 2 }),
      newEvent('2', { json: json('track', 'Order B', 'bob', 'web') }),
      newEvent('3', { json: json('track', 'Login', 'ann', 'app') }),
      newEvent('4', { json: json('page', 'Order C', 'ann', 'web') }),
    ]),
  );
  await deliverAll(outbox);
  const count = async (filter: object): Promise<number> =>
    (await outbox.replays.count('archive', filter)).events;
  expect(await count({})).toBe(4);
  expect(await count({ since: NOW })).toBe(3);
  expect(await count({ until: NOW })).toBe(1);
  expect(await count({ users: ['bob'] })).toBe(1);
  expect(await count({ sources: ['app'] })).toBe(1);
  const filter = { types: ['track'], events: ['Order *'] };
  expect(await count(filter)).toBe(2);
  await outbox.replays.begin('archive', filter);
  await outbox.replays.step('archive', 100);
  expect(await deliverAll(outbox)).toEqual(['Order A-ann', 'Order B-bob']);
});

it('never exceeds maxPending, can be paused and canceled, and leaves no copies to replay', async () => {
  const path = await place();
  const { outbox } = await start(path, 10);
  await outbox.append(delivery(newEvents(10)));
  await deliverAll(outbox);
  await outbox.replays.begin('archive', {});
  for (let step = 0; step < 5; step += 1) await outbox.replays.step('archive', 100);
  const { pending } = await outbox.stats();
  expect(pending).toBeGreaterThan(0);
  expect(pending).toBeLessThan(10);
  expect(await outbox.replays.change('archive', 'pause')).toMatchObject({ state: 'paused' });
  expect(await outbox.replays.step('archive', 100)).toBeUndefined();
  await outbox.replays.change('archive', 'resume');
  await outbox.replays.change('archive', 'cancel');
  await expect(outbox.replays.change('archive', 'resume')).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await expect(outbox.replays.begin('nobody', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await deliverAll(outbox);
  expect(await outbox.replays.count('archive', {})).toMatchObject({ events: 10 });
  expect(checkStore(await crashed(path, await newPlace())).problems).toEqual([]);
});

it('is driven to its end, with no more events pending than the sink delivers in about a second', async () => {
  const { outbox } = await start(await place());
  await outbox.append(delivery(newEvents(100)));
  await deliverAll(outbox);
  await outbox.replays.begin('archive', {});
  const log = { warn: () => undefined };
  const driver = new ReplayDriver({ replays: outbox.replays, clock: new StillClock(NOW), log });
  const delivered: string[] = [];
  while (await driver.turn()) {
    expect((await outbox.stats()).pending).toBeLessThanOrEqual(100);
    delivered.push(...(await deliverAll(outbox)));
  }
  delivered.push(...(await deliverAll(outbox)));
  expect(delivered).toEqual(Array.from({ length: 100 }, (_, at) => `m${at}`));
});
