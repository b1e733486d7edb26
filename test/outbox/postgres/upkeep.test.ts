import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/receiver.js';
import { requireServer } from '../../support/servers.js';
import { claim, claimAll, delivery, done, idsOf, newEvent, newEvents, settle } from '../samples.js';
import { postgresPlaces } from './places.js';
import { members } from './setup.js';

const HOUR = 3_600_000;

describe.runIf(await requireServer('PostgreSQL', 5432))('the upkeep of a store', () => {
  const places = postgresPlaces();
  const start = members(places);

  const outcomes = (appended: readonly { readonly outcome: string }[]): string[] =>
    appended.map(({ outcome }) => outcome);
  /** Makes the store believe that so much time has passed for what it ages. */
  const age = async (schema: string, ms: number): Promise<void> => {
    const by = `interval '${ms} milliseconds'`;
    await places.query(`UPDATE ${schema}.store SET generation_since = generation_since - ${by}`);
    await places.query(`UPDATE ${schema}.segment SET passed_at = passed_at - ${by}`);
    await places.query(`UPDATE ${schema}.event SET received_at = received_at - ${ms}`);
    for (let table = 0; table < 6; table += 1) {
      await places.query(`UPDATE ${schema}.seen_${table} SET at = at - ${ms}`);
    }
  };
  const generation = async (schema: string): Promise<number> =>
    Number((await places.query(`SELECT generation FROM ${schema}.store`))[0]?.['generation']);
  const segments = async (schema: string): Promise<readonly number[]> =>
    (await places.query(`SELECT number FROM ${schema}.segment ORDER BY number`)).map((row) =>
      Number(row['number']),
    );

  it('forgets ids when the window is over, and not before, over all generations', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema);
    expect(outcomes(await outbox.append(delivery([newEvent('old')])))).toEqual(['accepted']);
    const first = await generation(schema);
    // A quarter of the window is a generation.
    for (let turn = 1; turn <= 3; turn += 1) {
      await age(schema, HOUR / 4);
      await eventually(
        () => generation(schema),
        (now) => now === first + turn,
      );
      const again = await outbox.append(delivery([newEvent('old'), newEvent(`new-${turn}`)]));
      expect(outcomes(again)).toEqual(['duplicate', 'accepted']);
    }
    await age(schema, HOUR / 4);
    await eventually(
      () => generation(schema),
      (now) => now === first + 4,
    );
    const again = await outbox.append(delivery([newEvent('old'), newEvent('new-1')]));
    expect(outcomes(again)).toEqual(['accepted', 'duplicate']);
    const rows = await places.query(`SELECT count(*)::integer AS ids FROM ${schema}.seen_0`);
    expect(rows).toEqual([{ ids: 1 }]);
  });

  it('lets an authenticated event follow an unauthenticated one of an earlier generation', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema);
    const forged = newEvent('a', { authenticated: false });
    await outbox.append(delivery([forged]));
    const first = await generation(schema);
    await age(schema, HOUR / 4);
    await eventually(
      () => generation(schema),
      (now) => now === first + 1,
    );
    expect(outcomes(await outbox.append(delivery([forged, newEvent('a'), newEvent('a')])))).toEqual(
      ['duplicate', 'accepted', 'duplicate'],
    );
  });

  it('drops a segment when its retention is over and every sink has passed it', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema, [{ name: 'archive' }, { name: 'orders' }]);
    await outbox.append(delivery(newEvents(3)));
    const archive = outbox.consumer('archive', 1);
    const orders = outbox.consumer('orders', 1);
    await settle(archive, done(await claim(archive, 0, 9)));
    const [first, ...others] = await claim(orders, 0, 9);
    await settle(orders, done(others));
    // Its first event is old, so it is closed; and nothing is added to it any more.
    await age(schema, HOUR);
    await eventually(
      () => places.query(`SELECT number FROM ${schema}.segment WHERE passed_at IS NOT NULL`),
      ({ length }) => length === 1,
    );
    await age(schema, HOUR);
    await eventually(
      () => places.query(`SELECT number FROM ${schema}.segment WHERE last_xid IS NOT NULL`),
      ({ length }) => length === 1,
    );
    const [appended] = await outbox.append(delivery([newEvent('later')]));
    expect(Number(appended && 'id' in appended && appended.id)).toBeGreaterThan(200_000);
    expect((await segments(schema))[0]).toBe(1);
    await settle(orders, first === undefined ? [] : done([first]));
    await eventually(
      () => segments(schema),
      ([oldest]) => oldest === 2,
    );
    expect(idsOf(await claimAll(orders))).toEqual(['later']);
    expect(await outbox.stats()).toMatchObject({
      sinks: [
        { pending: 1, delivered: 3 },
        { pending: 1, delivered: 3 },
      ],
    });
  });

  it('lets a sink that is not configured hold nothing back, and counts what it missed', async () => {
    const schema = places.newSchema();
    const first = await start(schema, [{ name: 'archive' }, { name: 'orders' }]);
    await first.outbox.append(delivery(newEvents(3)));
    await first.outbox.close();
    const { outbox } = await start(schema, [{ name: 'archive' }]);
    const archive = outbox.consumer('archive', 1);
    await settle(archive, done(await claim(archive, 0, 9)));
    await age(schema, HOUR);
    await eventually(
      () => places.query(`SELECT number FROM ${schema}.segment WHERE passed_at IS NOT NULL`),
      ({ length }) => length === 1,
    );
    await age(schema, HOUR);
    await eventually(
      () => segments(schema),
      ([oldest]) => oldest === 2,
    );
    await outbox.append(delivery([newEvent('later')]));
    await outbox.close();
    const { lines, outbox: last } = await start(schema, [{ name: 'orders' }]);
    expect(lines.join()).toMatch(
      /orders is configured again and resumes where it stopped: it receives 1 earlier event, received from .+ on; 3 events passed outbox.retention while it was not configured and cannot be delivered/,
    );
    expect(idsOf(await claimAll(last.consumer('orders', 1)))).toEqual(['later']);
  });

  it('refuses a schema whose tables are gone', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema);
    await outbox.close();
    await places.query(`DROP TABLE ${schema}.store CASCADE`);
    await expect(start(schema)).rejects.toMatchObject({
      code: 'OUTBOX_CORRUPT',
      message: expect.stringContaining('held a store, but its tables are gone'),
    });
  });

  it('refuses a store that a newer program has changed', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema);
    await outbox.close();
    await places.query(`UPDATE ${schema}.store SET version = 99, compatible = 99`);
    await expect(start(schema)).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('upgrade Trackbridge'),
    });
    await places.query(`UPDATE ${schema}.store SET compatible = 1`);
    await start(schema);
  });
});
