import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.js';
import type { Sink, SinkEvent } from '../../../src/sinks/sink.js';
import { requireServer } from '../../support/servers.js';
import { eventOf, forgedEvent, sinkContext, sinkEvent } from '../events.js';
import { type Database, makeSink, never, openDatabase, PORT, urlTo } from './setup.js';

const there = await requireServer('PostgreSQL', PORT);
const OK = { ok: true };

/** All orders in which three events can come. */
function ordersOf<T>([a, b, c]: readonly [T, T, T]): T[][] {
  return [
    [a, b, c],
    [a, c, b],
    [b, a, c],
    [b, c, a],
    [c, a, b],
    [c, b, a],
  ];
}

describe.runIf(there)('postgres: events with the same messageId', () => {
  let database: Database;
  const sinks: Sink[] = [];
  const open = async (
    options: Parameters<typeof makeSink>[0] = {},
    context: Parameters<typeof makeSink>[1] = {},
  ): Promise<Sink> => {
    const sink = await makeSink({ schema: database.schema, create: true, ...options }, context);
    sinks.push(sink);
    return sink;
  };
  beforeEach(async () => {
    database = await openDatabase();
  });
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
    await database.dispose();
  });

  const genuine = sinkEvent('m', { event: 'Genuine' });
  const forged = forgedEvent('m', { event: 'Genuine', userId: 'mallory' });
  const other = eventOf('other', 'm', { event: 'Genuine', userId: 'u-2' });
  const orders = ordersOf([genuine, forged, other]);
  const deliveries = (order: readonly SinkEvent[]) => [order.map((each) => [each]), [order]];

  describe('in one table', () => {
    const keys = async (): Promise<unknown[]> =>
      (await database.query('SELECT dedupe_key FROM events ORDER BY 1')).map(
        (row) => row['dedupe_key'],
      );

    it('are the genuine one of each source, in whatever order they come, alone or together', async () => {
      const sink = await open();
      for (const order of orders) {
        for (const batches of deliveries(order)) {
          for (const batch of [...batches, ...batches]) {
            expect(await sink.deliver(batch, never())).toEqual(batch.map(() => OK));
          }
          expect(await keys()).toEqual(['other:m', 'segment:m']);
          const [row] = await database.query(
            `SELECT payload->>'userId' AS "user" FROM events WHERE dedupe_key = 'segment:m'`,
          );
          expect(row).toEqual({ user: 'u-1' });
          await database.query('TRUNCATE events');
        }
      }
    });

    it('are an unauthenticated one until the authenticated one comes', async () => {
      const sink = await open();
      await sink.deliver([forged, forgedEvent('n')], never());
      expect(await keys()).toEqual(['segment:m:unauthenticated', 'segment:n:unauthenticated']);
      await sink.deliver([genuine], never());
      expect(await keys()).toEqual(['segment:m', 'segment:n:unauthenticated']);
    });

    it('are the genuine ones where lanes write both at once', async () => {
      const sink = await open();
      const ids = Array.from({ length: 100 }, (_, at) => `m-${at}`);
      for (const id of ids) {
        const forgery = forgedEvent(id, { userId: 'mallory' });
        await Promise.all([
          sink.deliver([forgery], never()),
          sink.deliver([sinkEvent(id)], never()),
        ]);
      }
      expect(await keys()).toEqual(ids.map((id) => `segment:${id}`).sort());
    });

    it('do not touch one whose messageId looks like the key of a forged one', async () => {
      const sink = await open();
      await sink.deliver([sinkEvent('m:unauthenticated'), sinkEvent('m')], never());
      expect(await keys()).toEqual(['segment:m', 'segment:m:unauthenticated']);
    });

    it('are both kept, and that is said once, where the user may not delete', async () => {
      await (await open()).deliver([sinkEvent('m-0')], never());
      const { schema } = database;
      await database.query(`CREATE ROLE ${schema} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${schema};
        GRANT INSERT, SELECT ON events TO ${schema}`);
      const url = urlTo(PORT).replace(/postgres:[^@]*@/, `${schema}@`);
      const warnings: string[] = [];
      const sink = await open({ url, create: false }, { log: sinkContext(warnings).log });
      await expect(sink.check()).rejects.toMatchObject({
        message: expect.stringMatching(/^no right to DELETE on .*; grant it$/),
      });
      for (const event of [forged, genuine, sinkEvent('m-1')]) {
        expect(await sink.deliver([event], never())).toEqual([OK]);
      }
      expect(await keys()).toContain('segment:m');
      expect(warnings).toEqual([expect.stringMatching(/^no right to DELETE/)]);
      await sink.close();
      await database.query(`DROP OWNED BY ${schema}; DROP ROLE ${schema}`);
    });
  });

  describe('in the warehouse layout', () => {
    const rowsIn = async (table: string): Promise<unknown[]> =>
      database.query(`SELECT id, user_id AS "user" FROM ${table} ORDER BY user_id`);

    it.each(['tracks', 'genuine'])(
      'are the genuine one of each source, in whatever order they come: %s',
      async (table) => {
        const sink = await open({ layout: 'warehouse' });
        for (const order of orders) {
          for (const batches of deliveries(order)) {
            for (const batch of [...batches, ...batches]) {
              expect(await sink.deliver(batch, never())).toEqual(batch.map(() => OK));
            }
            const rows = await rowsIn(table);
            expect(rows).toMatchObject([{ user: 'u-1' }, { user: 'u-2' }]);
            // One of them has the id that the vendors would have given it.
            const ids = rows.map((row) => Object(row).id);
            expect(ids).toContain('m');
            expect(['segment:m', 'other:m']).toContain(ids.find((id) => id !== 'm'));
            await database.query('TRUNCATE tracks, genuine');
          }
        }
      },
    );

    it('are told apart by the id in tables of a vendor', async () => {
      const columns = `id text PRIMARY KEY, received_at timestamptz, event_text text, user_id text, other_values jsonb`;
      await database.query(`CREATE TABLE tracks (${columns}); CREATE TABLE genuine (${columns})`);
      const sink = await open({ layout: 'warehouse', create: false });
      await sink.deliver([forged], never());
      expect(await rowsIn('tracks')).toEqual([{ id: 'm:unauthenticated', user: 'mallory' }]);
      for (const batch of [[genuine], [forged], [forged, genuine]]) {
        expect(await sink.deliver(batch, never())).toEqual(batch.map(() => OK));
        for (const table of ['tracks', 'genuine']) {
          expect(await rowsIn(table)).toEqual([{ id: 'm', user: 'u-1' }]);
        }
      }
    });

    it('stay as they are that an earlier version wrote without a key', async () => {
      await database.query(`CREATE TABLE tracks (id text PRIMARY KEY, user_id text);
        INSERT INTO tracks VALUES ('m', 'before')`);
      const sink = await open({ layout: 'warehouse' });
      expect(await sink.deliver([genuine], never())).toEqual([OK]);
      expect(await rowsIn('tracks')).toEqual([{ id: 'm', user: 'before' }]);
    });

    describe('users', () => {
      const identify = (make: typeof sinkEvent, id: string, traits: JsonObject, second = 10) =>
        make(id, { type: 'identify', traits, receivedAt: `2026-01-02T03:04:${second}.000Z` });
      const user = async (): Promise<unknown> =>
        (await database.query(`SELECT email, plan, other_values AS other FROM users`))[0];
      let sink: Sink;
      beforeEach(async () => {
        sink = await open({ layout: 'warehouse' });
        // For the columns, and their types.
        await sink.deliver(
          [sinkEvent('x', { type: 'identify', userId: 'x', traits: { email: 'x', plan: 1 } })],
          never(),
        );
        await database.query('TRUNCATE users');
      });

      it('keep what an authenticated event says, whatever a forged one says before or after', async () => {
        const real = identify(sinkEvent, 'a', { email: 'real@x' });
        const fake = identify(forgedEvent, 'b', { email: 'fake@x', plan: 7 }, 50);
        for (const batches of [
          [[fake], [real]],
          [[real], [fake]],
          [[fake, real]],
          [[real, fake]],
        ]) {
          for (const batch of batches) await sink.deliver(batch, never());
          expect(await user()).toEqual({ email: 'real@x', plan: null, other: null });
          await database.query('TRUNCATE users');
        }
      });

      it('have the latest of what nothing authenticates where there is nothing else', async () => {
        await sink.deliver([identify(forgedEvent, 'a', { email: 'a@x', plan: 1 })], never());
        await sink.deliver([identify(forgedEvent, 'b', { email: 'b@x' }, 20)], never());
        expect(await user()).toEqual({ email: 'b@x', plan: '1', other: null });
      });

      it('keep each trait that has no column of its own, in a batch and over batches', async () => {
        const traits = [{ plan: 'free' }, { email: 'e', received_at: 'mine' }, { plan: 'pro' }];
        const events = traits.map((each, at) => identify(sinkEvent, `${at}`, each, 10 + at));
        const late = identify(sinkEvent, 'late', { plan: 'old', id: 'late' }, 5 + 5);
        await sink.deliver(events.slice(0, 2), never());
        expect(await user()).toMatchObject({ other: { plan: 'free', received_at: 'mine' } });
        await sink.deliver([...events.slice(2), late], never());
        expect(await user()).toEqual({
          email: 'e',
          plan: null,
          other: { plan: 'pro', received_at: 'mine', id: 'late' },
        });
      });
    });
  });
});
