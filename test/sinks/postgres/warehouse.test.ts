import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { startRelay } from '../../support/relay.js';
import { requireServer } from '../../support/servers.js';
import { sinkContract } from '../contract.js';
import { oddEvents, sinkEvent } from '../events.js';
import { arrives, type Database, makeSink, never, openDatabase, PORT, urlTo } from './setup.js';

const there = await requireServer('PostgreSQL', PORT);
const base = sinkEvent('').event;
/** An event that came from this vendor. */
const from = (vendor: 'segment' | 'rudderstack', messageId: string, fields: JsonObject) =>
  sinkEvent(messageId, { receipt: { ...base.receipt, vendor }, ...fields });

describe.runIf(there)('postgres: with a server and the warehouse layout', () => {
  sinkContract('postgres, warehouse', async () => {
    const database = await openDatabase();
    await database.query('CREATE TABLE tracks (seq bigserial, id text PRIMARY KEY)');
    const relay = await startRelay(PORT);
    const options = { layout: 'warehouse', schema: database.schema, create: true } as const;
    return {
      sink: await makeSink({ ...options, url: urlTo(relay.port) }),
      broken: await makeSink({ ...options, url: urlTo(1) }),
      received: async () => {
        const columns = await database.query(
          `SELECT FROM information_schema.columns WHERE table_schema = $1 AND table_name = 'tracks' AND column_name = 'event'`,
          [database.schema],
        );
        if (columns.length === 0) return [];
        return database.query(
          // Beside another source's event an event has its deduplication key as its id.
          `SELECT CASE id WHEN dedupe_key THEN split_part(id, ':', 2) ELSE id END AS "messageId",
            user_id AS "userId", event_text AS event FROM tracks ORDER BY seq`,
        );
      },
      arrives: (event) => {
        const { messageId, userId, event: name } = Object(arrives(event));
        return { messageId, userId, event: name };
      },
      odd: oddEvents().filter(({ event }) => event.type === 'track'),
      stall: relay.stall,
      fail: relay.cut,
      mend: relay.mend,
      secrets: ['a-secret-password'],
      async dispose() {
        await relay.close();
        await database.dispose();
      },
    };
  });

  describe('the tables', () => {
    let database: Database;
    let sink: Sink;
    const one = async (text: string): Promise<Record<string, unknown> | undefined> =>
      (await database.query(text))[0];
    const deliver = (...events: ReturnType<typeof sinkEvent>[]) => sink.deliver(events, never());
    const columnsOf = async (table: string): Promise<Record<string, unknown>> => {
      const rows = await database.query(
        'SELECT column_name AS name, data_type AS type FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2',
        [database.schema, table],
      );
      return Object.fromEntries(rows.map(({ name, type }) => [name, type]));
    };
    beforeEach(async () => {
      database = await openDatabase();
      sink = await makeSink({ schema: database.schema, layout: 'warehouse', create: true });
    });
    afterEach(async () => {
      await sink.close();
      await database.dispose();
    });

    it('have a track in tracks and in one of its own, by the columns that both vendors write', async () => {
      await deliver(
        from('segment', 'm-1', {
          anonymousId: 'a-1',
          sentAt: '2026-01-02T03:04:04.000Z',
          originalTimestamp: '2026-01-02T03:04:03.000Z',
          context: { app: { version: '1.0.0' }, tags: ['a', 'b'], nothing: null },
          properties: {
            orderId: 'o-1',
            revenue: 39.95,
            isNew: true,
            paidAt: '2026-01-01',
            product_id: { sku: 'G-32' },
            products: [{ price: 1 }],
          },
        }),
      );
      const common = {
        id: 'm-1',
        dedupe_key: 'segment:m-1',
        anonymous_id: 'a-1',
        user_id: 'u-1',
        event: 'order_completed',
        event_text: 'Order Completed',
        sent_at: new Date('2026-01-02T03:04:04.000Z'),
        original_timestamp: new Date('2026-01-02T03:04:03.000Z'),
        timestamp: new Date('2026-01-02T03:04:05.000Z'),
        received_at: new Date('2026-01-02T03:04:06.000Z'),
        uuid_ts: expect.any(Date),
        context_app_version: '1.0.0',
        context_tags: '["a","b"]',
        other_values: null,
      };
      expect(await one('SELECT * FROM tracks')).toEqual(common);
      expect(await one('SELECT * FROM order_completed')).toEqual({
        ...common,
        order_id: 'o-1',
        revenue: '39.95',
        is_new: true,
        paid_at: new Date('2026-01-01T00:00:00.000Z'),
        product_id_sku: 'G-32',
        products: '[{"price":1}]',
      });
      expect(await columnsOf('order_completed')).toMatchObject({
        revenue: 'numeric',
        is_new: 'boolean',
        paid_at: 'timestamp with time zone',
        products: 'text',
      });
    });

    it('have every other type where the vendors write it', async () => {
      await deliver(
        from('segment', 'p', {
          type: 'page',
          name: 'Home',
          category: 'Docs',
          properties: { name: 'Home', url: '/' },
        }),
        from('rudderstack', 's', { type: 'screen', properties: { name: 'Main', size: 4 } }),
        from('segment', 'g', { type: 'group', groupId: 'g-1', traits: { employeeCount: 7 } }),
        from('segment', 'a', { type: 'alias', previousId: 'old' }),
        from('segment', 'd', { type: 'delete' }),
        from('rudderstack', 'r', { type: 'record', action: 'insert', fields: { a: 1 } }),
      );
      expect(await one('SELECT id, name, category, url, other_values FROM pages')).toEqual({
        id: 'p',
        name: 'Home',
        category: 'Docs',
        url: '/',
        other_values: null,
      });
      expect(await one('SELECT id, name, size FROM screens')).toEqual({
        id: 's',
        name: 'Main',
        size: '4',
      });
      expect(await one('SELECT group_id, employee_count FROM groups')).toEqual({
        group_id: 'g-1',
        employee_count: '7',
      });
      expect(await one('SELECT previous_id, user_id FROM aliases')).toEqual({
        previous_id: 'old',
        user_id: 'u-1',
      });
      expect(await one('SELECT id, user_id FROM deletes')).toEqual({ id: 'd', user_id: 'u-1' });
      expect(await one('SELECT action, fields_a FROM records')).toEqual({
        action: 'insert',
        fields_a: '1',
      });
    });

    it('have each user once, with the latest of each trait, and an older event only fills in', async () => {
      const identify = (id: string, second: number, traits: JsonObject) =>
        from('segment', id, {
          type: 'identify',
          anonymousId: `a-${id}`,
          receivedAt: `2026-01-02T03:04:${second}.000Z`,
          traits,
        });
      await deliver(
        identify('1', 10, { email: 'a@x', plan: 'free' }),
        identify('2', 20, { email: 'b@x' }),
      );
      await deliver(identify('3', 30, { plan: 'pro' }));
      await deliver(
        identify('4', 15, { email: 'late@x', city: 'Berlin', street: 'A' }),
        identify('5', 12, { street: 'B' }),
      );
      expect(await one('SELECT id, email, plan, city, street FROM users')).toEqual({
        id: 'u-1',
        email: 'b@x',
        plan: 'pro',
        city: 'Berlin',
        street: 'A',
      });
      expect(Object.keys(await columnsOf('users'))).not.toContain('anonymous_id');
      expect(await database.query('SELECT FROM identifies')).toHaveLength(5);
    });

    it('have no user for an identify without one', async () => {
      await deliver(from('segment', 'i', { type: 'identify', userId: null, anonymousId: 'a' }));
      expect(await one('SELECT id, anonymous_id FROM identifies')).toEqual({
        id: 'i',
        anonymous_id: 'a',
      });
      expect(await columnsOf('users')).toEqual({});
    });

    it('keep what has no column: names that are taken or hold no letter, and values of another type', async () => {
      await deliver(from('segment', 'm-1', { properties: { price: 10, when: '2026-01-01' } }));
      await deliver(
        from('segment', 'm-2', {
          properties: {
            price: 'free',
            when: 'soon',
            user_id: 'mine',
            東京: 1,
            'nul\u0000': 'a\u0000',
          },
        }),
        from('segment', 'm-3', { event: '東京', properties: { a: 1 } }),
      );
      expect(
        await one(`SELECT price, _when, other_values, nul FROM order_completed WHERE id = 'm-2'`),
      ).toEqual({
        price: null,
        _when: null,
        nul: 'a\\u0000',
        other_values: { price: 'free', _when: 'soon', user_id: 'mine', 東京: 1 },
      });
      expect(await one(`SELECT other_values FROM tracks WHERE id = 'm-3'`)).toEqual({
        other_values: { properties: { a: 1 } },
      });
    });

    it('are called as the event’s own vendor calls them', async () => {
      await deliver(
        from('segment', 'm-1', { event: 'HTTPServer Started', properties: { none: '' } }),
        from('rudderstack', 'm-2', { event: 'HTTPServer Started', properties: { none: '' } }),
      );
      expect(await one('SELECT id, event, none FROM httpserver_started')).toEqual({
        id: 'm-1',
        event: 'httpserver_started',
        none: '',
      });
      expect(await one('SELECT id, event FROM http_server_started')).toEqual({
        id: 'm-2',
        event: 'http_server_started',
      });
    });

    it('keep to columns of a vendor’s that are there already', async () => {
      await database.query(
        'CREATE TABLE order_completed (id varchar PRIMARY KEY, price bigint, loaded_at timestamp, received_at timestamp)',
      );
      await deliver(
        from('segment', 'm-1', { properties: { price: 10 } }),
        from('segment', 'm-2', { properties: { price: 10.5 } }),
      );
      expect(
        await database.query(
          'SELECT price, loaded_at, other_values FROM order_completed ORDER BY id',
        ),
      ).toEqual([
        { price: '10', loaded_at: expect.any(Date), other_values: null },
        { price: null, loaded_at: expect.any(Date), other_values: { price: 10.5 } },
      ]);
    });

    it('get columns from lanes that come at the same time, and no event twice', async () => {
      const more = await makeSink({ schema: database.schema, layout: 'warehouse', create: true });
      const lanes = Array.from({ length: 16 }, (_, lane) =>
        Array.from({ length: 10 }, (__, index) =>
          from('segment', `m-${lane}-${index}`, {
            userId: `u-${lane}`,
            properties: { [`p${lane % 5}_${index}`]: lane },
          }),
        ),
      );
      for (const round of [0, 1]) {
        const sinks = round === 0 ? [sink, more] : [more, sink];
        await Promise.all(lanes.map((lane, at) => sinks[at % 2]?.deliver(lane, never())));
      }
      await more.close();
      expect(await one('SELECT count(*)::int FROM tracks')).toEqual({ count: 160 });
      expect(await one('SELECT count(*)::int, sum(p4_9)::int FROM order_completed')).toEqual({
        count: 160,
        sum: 4 + 9 + 14,
      });
    });

    it('get no more than a thousand columns, and keep the rest beside them', async () => {
      const properties = Object.fromEntries(
        Array.from({ length: 1_100 }, (_, at) => [`p${at}`, true]),
      );
      await deliver(from('segment', 'm-1', { properties }));
      const columns = Object.keys(await columnsOf('order_completed'));
      expect(columns).toHaveLength(1_000);
      const row = await one('SELECT other_values FROM order_completed');
      expect(Object.keys(Object(row?.['other_values']))).toHaveLength(1_100 + 12 - 1_000);
    });

    it('write all of a batch or nothing, and a poison event is told for good', async () => {
      await database.query(`CREATE TABLE tracks (id text PRIMARY KEY CHECK (id <> 'poison'))`);
      await expect(deliver(sinkEvent('m-1'), sinkEvent('poison'))).rejects.toMatchObject({
        retryable: false,
        message: expect.stringMatching(/SQLSTATE 23514/),
      });
      expect(await one('SELECT count(*)::int FROM order_completed')).toEqual({ count: 0 });
      expect(await deliver(sinkEvent('m-1'))).toEqual([{ ok: true }]);
    });

    it('take odd values of every type', async () => {
      expect(await deliver(...oddEvents())).toHaveLength(oddEvents().length);
      const row = await one(`SELECT nul, high, emoji, numbers, empty_a, backslash, key FROM pages`);
      expect(row).toEqual({
        nul: 'a\\u0000b',
        high: '\\ud800',
        emoji: '👩‍👩‍👧 東京 Zoë',
        numbers: '[1e+21,0.1,-0.5,12345678901234567000,1e-7]',
        empty_a: '[]',
        backslash: '\\u001b \\n "',
        key: true,
      });
    });
  });
});
