import { describe, expect, it } from 'vitest';
import type { Consumer } from '../../../src/outbox/feed.js';
import { eventually } from '../../support/receiver.js';
import { requireServer } from '../../support/servers.js';
import { claim, delivery, done, idsOf, newEvent, newEvents, settle } from '../samples.js';
import { postgresPlaces } from './places.js';
import { members, StoppableClock } from './setup.js';

describe.runIf(await requireServer('PostgreSQL', 5432))('members of a store', () => {
  const places = postgresPlaces();
  const start = members(places);
  const never = new AbortController().signal;

  /** Events of many users, so that each partition has some. */
  const manyUsers = (count: number, from = 0) =>
    newEvents(count, {}, from).map((event, at) => ({ ...event, orderKey: `u:${at}` }));
  const owners = async (schema: string): Promise<readonly number[]> => {
    const rows = await places.query(
      `SELECT count(*)::integer AS owned FROM ${schema}.lane WHERE owner IS NOT NULL GROUP BY owner ORDER BY 1`,
    );
    return rows.map(({ owned }) => Number(owned));
  };
  const claimAllOf = async (consumer: Consumer): Promise<string[]> => {
    const ids: string[] = [];
    for (;;) {
      const { events, lease } = await consumer.claim(0, 100);
      if (events.length === 0) return ids;
      ids.push(...idsOf(events));
      await consumer.settle(lease, done(events));
    }
  };

  it('accept each id once, whichever of them gets it', async () => {
    const schema = places.newSchema();
    const [first, second] = [await start(schema), await start(schema)];
    const append = (at: number) =>
      [first, second][at % 2]?.outbox.append(delivery([newEvent('same')])) ?? [];
    const all = (await Promise.all(Array.from({ length: 20 }, (_, at) => append(at)))).flat();
    expect(all.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
    expect(await second.outbox.stats()).toMatchObject({ accepted: 1, duplicates: 19, pending: 1 });
    expect(first.outbox.id).toBe(second.outbox.id);
  });

  it('share the partitions, and take them back when one has left', async () => {
    const schema = places.newSchema();
    const first = await start(schema);
    const consumer = first.outbox.consumer('archive', 1);
    await claim(consumer, 0, 1);
    expect(await owners(schema)).toEqual([16]);
    const second = await start(schema);
    const other = second.outbox.consumer('archive', 1);
    await eventually(
      () => owners(schema),
      (owned) => owned.join() === '8,8',
    );
    await first.outbox.append(delivery(manyUsers(64)));
    // The other one hears of them a moment later.
    const ids: string[] = [];
    await eventually(
      async () => ids.push(...(await claimAllOf(consumer)), ...(await claimAllOf(other))),
      (found) => found >= 64,
    );
    expect(ids.toSorted()).toEqual(idsOfNew(64));
    await other.close();
    await second.outbox.close();
    await eventually(
      () => owners(schema),
      (owned) => owned.join() === '16',
    );
  });

  it('take over what a stopped member had claimed, and refuse what it settles later', async () => {
    const schema = places.newSchema();
    const clock = new StoppableClock();
    const stale: number[] = [];
    const observer = { lost: () => undefined, stale: (events: number) => stale.push(events) };
    const stopped = await start(schema, undefined, {}, { clock, observer });
    await stopped.outbox.append(delivery(newEvents(3)));
    const consumer = stopped.outbox.consumer('archive', 1);
    const { events, lease } = await consumer.claim(0, 2);
    await consumer.settle(lease, [
      { id: String(events[0]?.id), outcome: 'retry', attempt: { at: 1, error: 'status 503' } },
    ]);
    clock.stop();
    const { outbox } = await start(schema);
    const next = outbox.consumer('archive', 1);
    const claimed = await eventually(
      () => claim(next, 0, 10),
      ({ length }) => length > 0,
    );
    expect(idsOf(claimed)).toEqual(['m0', 'm1', 'm2']);
    expect(claimed[0]?.attempts).toEqual([{ at: 1, error: 'status 503' }]);
    await settle(next, done(claimed.slice(0, 1)));
    await expect(consumer.settle(lease, done(events))).rejects.toMatchObject({ code: 'LANE_LOST' });
    expect(stale).toEqual([2]);
    await settle(next, done(claimed.slice(1)));
    expect(await outbox.stats()).toMatchObject({ sinks: [{ pending: 0, delivered: 3 }] });
    clock.resume();
  });

  it('know how many of them accept deliveries', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema);
    expect(outbox.receivers).toBe(1);
    await start(schema, undefined, {}, { role: 'receive' });
    await start(schema, undefined, {}, { role: 'dispatch' });
    await eventually(
      async () => outbox.receivers,
      (receivers) => receivers === 2,
    );
  });

  it('count once what was recorded although the answer was lost', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema);
    await outbox.append(delivery(newEvents(3)));
    const consumer = outbox.consumer('archive', 1);
    const { events, lease } = await consumer.claim(0, 2);
    // As if the process had done it, and the connection had ended before the answer.
    await places.query(
      `UPDATE ${schema}.lane l SET turn = turn + 1, xid = e.xid, position = e.position
        FROM ${schema}.event e WHERE e.partition = l.partition AND e.position = ${events[1]?.id}`,
    );
    await places.query(
      `INSERT INTO ${schema}.sink_tally SELECT gen_random_uuid(), id, (SELECT id FROM ${schema}.sink), 2, 0, 0, 0, 0, 0, 0
        FROM ${schema}.member`,
    );
    await expect(consumer.settle(lease, done(events))).rejects.toMatchObject({ code: 'LANE_LOST' });
    const rest = await eventually(
      () => claim(consumer, 0, 9),
      ({ length }) => length > 0,
    );
    expect(idsOf(rest)).toEqual(['m2']);
    await settle(consumer, done(rest));
    expect(await outbox.stats()).toMatchObject({ sinks: [{ pending: 0, delivered: 3 }] });
  });

  it('begin nothing that may outlast their lease', async () => {
    const schema = places.newSchema();
    const clock = new StoppableClock();
    const { outbox } = await start(schema, undefined, {}, { clock });
    await outbox.append(delivery(newEvents(1)));
    const consumer = outbox.consumer('archive', 1);
    const { lease } = await consumer.claim(0, 1);
    expect(await lease.covers(100)).toBe(true);
    clock.stop();
    const { member } = { member: await start(schema) };
    const next = member.outbox.consumer('archive', 1);
    await eventually(
      () => claim(next, 0, 1),
      ({ length }) => length > 0,
    );
    let isCovered: boolean | undefined;
    const asked = lease.covers(100).then((answer) => {
      isCovered = answer;
    });
    await member.outbox.stats();
    expect(isCovered).toBe(undefined);
    clock.resume();
    await asked;
    expect(isCovered).toBe(false);
  });

  it('hear of each other’s events at once', async () => {
    const schema = places.newSchema();
    const [receiver, dispatcher] = [
      await start(schema, undefined, {}, { role: 'receive' }),
      await start(schema, undefined, {}, { role: 'dispatch' }),
    ];
    const consumer = dispatcher.outbox.consumer('archive', 1);
    await claim(consumer, 0, 1);
    const waiting = consumer.available(0, never);
    await receiver.outbox.append(delivery([newEvent('a')]));
    await waiting;
    expect(idsOf(await claim(consumer, 0, 1))).toEqual(['a']);
  });

  it('tell each other that an operator has paused a sink, or purged it', async () => {
    const schema = places.newSchema();
    const paused: unknown[] = [];
    const onPaused = (...args: unknown[]): void => void paused.push(args);
    const first = await start(schema, undefined, {}, { onPaused });
    const second = await start(schema);
    await second.outbox.setPaused('archive', true);
    await eventually(
      () => paused.length,
      (count) => count > 0,
    );
    expect(paused).toEqual([['archive', true]]);
    await first.outbox.append(delivery(newEvents(3)));
    const consumer = first.outbox.consumer('archive', 1);
    const claimed = await claim(consumer, 0, 2);
    expect(await second.outbox.purge('archive')).toBe(3);
    await settle(consumer, done(claimed));
    expect(await first.outbox.stats()).toMatchObject({
      sinks: [{ pending: 0, delivered: 0, discarded: 3 }],
    });
  });

  it('wait for sinks that another member serves', async () => {
    const schema = places.newSchema();
    const receiver = await start(schema, undefined, {}, { role: 'receive' });
    const dispatcher = await start(schema, undefined, {}, { role: 'dispatch' });
    const [appended] = await receiver.outbox.append(delivery([newEvent('a')]));
    const id = appended !== undefined && 'id' in appended ? appended.id : '';
    let isSettled = false;
    const waiting = receiver.outbox.settled([id], never).then(() => {
      isSettled = true;
    });
    const consumer = dispatcher.outbox.consumer('archive', 1);
    const claimed = await eventually(
      () => claim(consumer, 0, 1),
      ({ length }) => length > 0,
    );
    expect(isSettled).toBe(false);
    await settle(consumer, done(claimed));
    await waiting;
  });

  it('refuse to start with other settings than those that run, and name the member', async () => {
    const schema = places.newSchema();
    const sink = { name: 'archive', options: { url: '1' } };
    await start(schema, [sink], {}, { member: 'first' });
    const refused = async (
      sinks: Parameters<typeof start>[1],
      options: Parameters<typeof start>[2] = {},
      deps: Parameters<typeof start>[3] = {},
    ): Promise<string> =>
      await start(schema, sinks, options, deps).then(
        () => 'started',
        (error: Error) => error.message,
      );
    const other = { ...sink, options: { url: '2' } };
    expect(await refused([other])).toBe(
      'sinks.archive.url differs from that of member first, which is running; give both the same, or stop that member first',
    );
    expect(await refused([sink], { maxPending: 5 })).toMatch(/^outbox\.maxPending differs/);
    expect(await refused([sink], { partitions: 8 })).toMatch(
      /^outbox: partitions is 8, but the store was created with 16/,
    );
    expect(await refused([other], {}, { role: 'receive' })).toBe('started');
    expect(await refused([sink, { name: 'orders' }])).toBe('started');
  });

  it('keep a sink active as long as one of them has it', async () => {
    const schema = places.newSchema();
    const first = await start(schema, [{ name: 'archive' }, { name: 'orders' }]);
    const second = await start(schema, [{ name: 'archive' }]);
    expect(second.lines).toEqual([
      'warn: sink orders is not configured here; other members deliver it',
    ]);
    await second.outbox.append(delivery(newEvents(1)));
    expect((await second.outbox.stats()).sinks).toHaveLength(2);
    await first.outbox.close();
    await second.outbox.close();
    const third = await start(schema, [{ name: 'archive' }]);
    expect((await third.outbox.stats()).sinks).toHaveLength(1);
  });

  it('count what members that are gone have counted', async () => {
    const schema = places.newSchema();
    const first = await start(schema);
    await first.outbox.append(delivery(newEvents(3)));
    await first.outbox.close();
    const second = await start(schema);
    await second.outbox.append(delivery(newEvents(4)));
    expect(await second.outbox.stats()).toMatchObject({ accepted: 4, duplicates: 3, pending: 4 });
    const [folded] = await places.query(
      `SELECT count(*)::integer AS rows FROM ${schema}.tally WHERE member = '00000000-0000-0000-0000-000000000000'`,
    );
    expect(folded).toEqual({ rows: 1 });
  });
});

function idsOfNew(count: number): string[] {
  return newEvents(count)
    .map(({ messageId }) => String(messageId))
    .toSorted();
}
