import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { requireServer } from '../../support/servers.js';
import { sinkContext, sinkEvent } from '../events.js';
import {
  type Database,
  makeSink,
  never,
  openDatabase,
  openOwnDatabase,
  PORT,
  urlTo,
} from './setup.js';

const there = await requireServer('PostgreSQL', PORT);
const OK = { ok: true };
const refused = (message: string | RegExp) => ({
  ok: false,
  retryable: false,
  message: expect.stringMatching(message),
});

/** The columns that both vendors give to every table of events. */
const VENDOR = `id varchar PRIMARY KEY, received_at timestamptz, uuid_ts timestamptz, anonymous_id text, user_id text,
  sent_at timestamptz, "timestamp" timestamptz, original_timestamp timestamptz, event text, event_text text`;

describe.runIf(there)('postgres: tables of a vendor, which the sink does not make', () => {
  let database: Database;
  const sinks: Sink[] = [];
  const open = async (
    options: Parameters<typeof makeSink>[0] = {},
    context: Parameters<typeof makeSink>[1] = {},
  ): Promise<Sink> => {
    const { schema } = database;
    const sink = await makeSink({ schema, layout: 'warehouse', ...options }, context);
    sinks.push(sink);
    return sink;
  };
  const track = (id: string, event: string, properties: JsonObject = {}) =>
    sinkEvent(id, { event, properties });
  const idsIn = async (table: string): Promise<unknown[]> =>
    (await database.query(`SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => id);
  beforeEach(async () => {
    database = await openDatabase();
  });
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
    await database.dispose();
  });

  describe('of a name that is not there', () => {
    it('cost only the event that brings the name', async () => {
      await database.query(`CREATE TABLE tracks (${VENDOR}); CREATE TABLE known (${VENDOR})`);
      const sink = await open();
      const batch = Array.from({ length: 84 }, (_, at) =>
        track(`m-${at}`, at < 24 ? `Unknown ${at}` : 'Known'),
      );
      const results = await sink.deliver(batch, never());
      expect(results.slice(0, 24)).toEqual(
        batch
          .slice(0, 24)
          .map((_, at) => refused(`there is no table .*\\.unknown_${at}; create it`)),
      );
      expect(results.slice(24)).toEqual(batch.slice(24).map(() => OK));
      expect(await idsIn('known')).toHaveLength(60);
      expect(await idsIn('tracks')).toHaveLength(60);
      await database.query(`CREATE TABLE unknown_0 (${VENDOR})`);
      expect(await sink.deliver(batch.slice(0, 1), never())).toEqual([OK]);
    });

    it('cost only the events of the type that nobody has made a table for', async () => {
      await database.query(`CREATE TABLE tracks (${VENDOR}); CREATE TABLE known (${VENDOR})`);
      const sink = await open();
      const batch = [
        sinkEvent('alias', { type: 'alias', previousId: 'x' }),
        track('m-1', 'Known'),
        sinkEvent('identify', { type: 'identify', traits: {} }),
        sinkEvent('own', { type: 'wish' }),
      ];
      expect(await sink.deliver(batch, never())).toEqual([
        refused(/no table .*\.aliases;/),
        OK,
        refused(/no table .*\.(identifies|users);/),
        refused(/no table .*\.wishs;/),
      ]);
    });

    it('stop everything while the schema has no table of the layout at all', async () => {
      const sink = await open();
      await expect(sink.deliver([track('m-1', 'Known')], never())).rejects.toMatchObject({
        retryable: true,
        message: expect.stringMatching(/^there is no table .*; create it, or set create: true$/),
      });
      await expect(sink.check()).rejects.toMatchObject({ retryable: true });
    });
  });

  it.each([false, true])(
    'are left alone that are somebody else’s, though an event is called like them (create: %s)',
    async (create) => {
      await database.query(`CREATE TABLE tracks (${VENDOR}); CREATE TABLE known (${VENDOR});
        CREATE TABLE api_keys (id text PRIMARY KEY, role text)`);
      const sink = await open({ create });
      const batch = [track('m-1', 'API keys', { role: 'admin' }), track('m-2', 'Known')];
      expect(await sink.deliver(batch, never())).toEqual([
        refused(/\.api_keys exists but does not have this layout/),
        OK,
      ]);
      expect(await database.query('SELECT * FROM api_keys')).toEqual([]);
      const columns = await database.query(
        'SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2',
        [database.schema, 'api_keys'],
      );
      expect(columns).toHaveLength(2);
    },
  );

  it('that cannot be written cost only their own events', async () => {
    const { schema } = database;
    await database.query(`CREATE TABLE tracks (${VENDOR}); CREATE TABLE known (${VENDOR}); CREATE TABLE broken (${VENDOR});
      CREATE ROLE ${schema} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${schema};
      GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${schema}; REVOKE INSERT ON broken FROM ${schema}`);
    const url = urlTo(PORT).replace(/postgres:[^@]*@/, `${schema}@`);
    const sink = await open({ url });
    const batch = [track('m-1', 'Broken'), track('m-2', 'Known')];
    expect(await sink.deliver(batch, never())).toEqual([
      refused(/no right to INSERT and SELECT on/),
      OK,
    ]);
    await sink.close();
    await database.query(`DROP OWNED BY ${schema}; DROP ROLE ${schema}`);
  });

  describe('without a key, as RudderStack makes them', () => {
    const KEYLESS = VENDOR.replace(' PRIMARY KEY', '');
    const identify = (id: string, userId: string, traits: JsonObject, receivedAt: string) =>
      sinkEvent(id, { type: 'identify', userId, traits, receivedAt });
    beforeEach(() =>
      database.query(`CREATE TABLE tracks (${KEYLESS}); CREATE TABLE order_completed (${KEYLESS});
        CREATE TABLE identifies (${KEYLESS}, plan text);
        CREATE TABLE users (id text, received_at timestamptz, uuid_ts timestamptz, plan text)`),
    );

    it('get each event once, also from lanes at the same time and beside duplicates', async () => {
      await database.query(`INSERT INTO tracks (id) VALUES ('m-1'), ('m-1')`);
      const sink = await open();
      const batch = ['m-1', 'm-2', 'm-2', 'm-3'].map((id) => track(id, 'Order Completed'));
      const lanes = [1, 2, 3].map(() => sink.deliver(batch, never()));
      for (const results of await Promise.all(lanes)) expect(results).toEqual(batch.map(() => OK));
      expect(await idsIn('tracks')).toEqual(['m-1', 'm-1', 'm-2', 'm-3']);
      expect(await idsIn('order_completed')).toEqual(['m-1', 'm-2', 'm-3']);
    });

    it('have each user once, with the latest traits', async () => {
      const sink = await open();
      const at = (minute: number) => `2026-01-02T03:0${minute}:00.000Z`;
      await sink.deliver([identify('m-1', 'u-1', { plan: 'free' }, at(1))], never());
      await sink.deliver(
        [identify('m-2', 'u-1', { plan: 'pro' }, at(3)), identify('m-3', 'u-2', {}, at(3))],
        never(),
      );
      await sink.deliver([identify('m-4', 'u-1', { plan: 'late' }, at(2))], never());
      expect(await database.query('SELECT id, plan FROM users ORDER BY id')).toEqual([
        { id: 'u-1', plan: 'pro' },
        { id: 'u-2', plan: null },
      ]);
    });
  });

  describe('with rudder_discards', () => {
    beforeEach(() =>
      database.query(`CREATE TABLE tracks (${VENDOR}); CREATE TABLE order_completed (${VENDOR}, code varchar(3), price bigint);
        CREATE TABLE rudder_discards (table_name text, row_id text, column_name text, column_value text, reason text,
          received_at timestamptz, uuid_ts timestamptz)`),
    );

    it('keep there what no column holds, once', async () => {
      const sink = await open();
      const event = track('m-1', 'Order Completed', {
        code: 'éèà!',
        price: 10.5,
        fresh: [1],
        user_id: 'mine',
      });
      for (const _ of [1, 2]) expect(await sink.deliver([event], never())).toEqual([OK]);
      const rows = await database.query(
        `SELECT column_name AS column, column_value AS value, reason FROM rudder_discards
          WHERE table_name = 'order_completed' AND row_id = 'm-1' AND received_at IS NOT NULL AND uuid_ts IS NOT NULL ORDER BY 1`,
      );
      expect(rows).toEqual([
        { column: 'code', value: 'éèà!', reason: 'too long' },
        { column: 'fresh', value: '[1]', reason: 'no column' },
        { column: 'price', value: '10.5', reason: 'another type' },
        { column: 'user_id', value: 'mine', reason: 'name in use' },
      ]);
      const kept = track('m-2', 'Order Completed', { code: 'éèà', price: 10 });
      expect(await sink.deliver([kept], never())).toEqual([OK]);
      expect(
        await database.query(`SELECT code, price FROM order_completed WHERE id = 'm-2'`),
      ).toEqual([{ code: 'éèà', price: '10' }]);
    });

    it('use it instead of other_values if the options say so, and make it', async () => {
      await database.query('DROP TABLE rudder_discards');
      const sink = await open({ create: true, overflow: 'rudder_discards' });
      const event = track('m-1', 'Other Event', { 東京: 1 });
      expect(await sink.deliver([event], never())).toEqual([OK]);
      expect(await database.query('SELECT table_name, column_value FROM rudder_discards')).toEqual([
        { table_name: 'other_event', column_value: '1' },
      ]);
      const columns = await database.query(
        `SELECT table_name FROM information_schema.columns WHERE table_schema = $1 AND column_name = 'other_values'`,
        [database.schema],
      );
      expect(columns).toEqual([]);
    });
  });

  describe('as `check --connect` sees them', () => {
    it('are refused if a value could get lost, with the statement to run and who may run it', async () => {
      const { schema } = database;
      await database.query(
        `CREATE TABLE tracks (${VENDOR}, other_values jsonb); CREATE TABLE order_completed (${VENDOR})`,
      );
      const sink = await open();
      await expect(sink.check()).rejects.toThrow(
        new RegExp(
          `^${schema}.order_completed has no place .*ALTER TABLE ${schema}.order_completed ADD other_values jsonb`,
        ),
      );
      await database.query('ALTER TABLE order_completed ADD other_values jsonb');
      await sink.check();
    });

    it('are those of every source, also without a key', async () => {
      const { schema } = database;
      await database.query(
        `CREATE TABLE tracks (id text, received_at timestamptz, other_values jsonb)`,
      );
      const sink = await open({ schema: '{source}' }, { sources: [schema] });
      await sink.check();
      await database.query('ALTER TABLE tracks DROP COLUMN id');
      await expect(sink.check()).rejects.toThrow(`${schema}.tracks has no column id`);
      const other = await open({ schema: '{source}' }, { sources: ['nowhere at all'] });
      await expect(other.check()).rejects.toThrow('the schema nowhere_at_all has no table');
    });
  });

  describe('without a place for a value', () => {
    const counts: number[] = [];
    const metrics = {
      unmappedIntegrations: () => {},
      unplacedValues: (n: number) => counts.push(n),
    };
    beforeEach(async () => {
      counts.length = 0;
      await database.query(`CREATE TABLE tracks (${VENDOR});
        CREATE TABLE order_completed (${VENDOR}, revenue bigint, paid_at timestamptz)`);
    });

    it.each([
      [{ revenue: 10.5 }, 'revenue'],
      [{ newProp: 'x' }, 'new_prop'],
      [{ paidAt: '2026-02-30' }, 'paid_at'],
      [{ user_id: 'mine' }, 'user_id'],
      [{ 東京: 1 }, '東京'],
      [{ a: 1, b: 2, c: 3, d: 4, revenue: 'free' }, 'a, b, c and 2 more values'],
    ] as [JsonObject, string][])(
      'the event is refused, and nothing of it is lost: %j',
      async (properties, names) => {
        const sink = await open();
        const batch = [
          track('m-1', 'Order Completed', properties),
          track('m-2', 'Order Completed'),
        ];
        const results = await sink.deliver(batch, never());
        expect(results[1]).toEqual(OK);
        expect(results[0]).toMatchObject({ ok: false, retryable: false });
        expect(results[0]).toHaveProperty(
          'message',
          `${database.schema}.order_completed has no column for ${names}; add one, or other_values of type jsonb, or set create: true`,
        );
        expect(await idsIn('tracks')).toEqual(['m-2']);
        await database.query('ALTER TABLE order_completed ADD other_values jsonb');
        const again = await open();
        expect(await again.deliver(batch, never())).toEqual([OK, OK]);
        const [row] = await database.query(`SELECT * FROM order_completed WHERE id = 'm-1'`);
        expect(row?.['other_values']).not.toBe(null);
      },
    );

    it('of how the event was sent it is written all the same, and that is counted and logged once', async () => {
      const warnings: string[] = [];
      const { log } = sinkContext(warnings);
      const sink = await open({}, { log, metrics });
      const context = { library: { name: 'x', version: '1' } };
      for (const id of ['m-1', 'm-2']) {
        const event = sinkEvent(id, { context, sentAt: 'whenever', properties: { revenue: 10 } });
        expect(await sink.deliver([event], never())).toEqual([OK]);
      }
      expect(await database.query('SELECT id, revenue, sent_at FROM order_completed')).toEqual([
        { id: 'm-1', revenue: '10', sent_at: null },
        { id: 'm-2', revenue: '10', sent_at: null },
      ]);
      // Three values in two tables, twice.
      expect(counts.reduce((sum, count) => sum + count)).toBe(12);
      expect(warnings).toHaveLength(6);
    });
  });
});

describe.runIf(there)('postgres: a database whose owner somebody else is', () => {
  it('costs no event its place where columns cannot be added, nor another where tables cannot', async () => {
    const database = await openDatabase();
    const { schema } = database;
    const owner = await makeSink({ schema, layout: 'warehouse', create: true });
    await owner.deliver([sinkEvent('m-0', { properties: { price: 1 } })], never());
    await owner.close();
    await database.query(`CREATE ROLE ${schema} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${schema};
      GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${schema}`);
    const url = urlTo(PORT).replace(/postgres:[^@]*@/, `${schema}@`);
    const sink = await makeSink({ url, schema, layout: 'warehouse', create: true });
    const batch = [
      sinkEvent('m-1', { properties: { price: 2, fresh: 'x' } }),
      sinkEvent('m-2', { event: 'Never Seen' }),
    ];
    expect(await sink.deliver(batch, never())).toEqual([
      OK,
      refused(/^no right to create .*\.never_seen or its columns; grant it$/),
    ]);
    const rows = await database.query(
      `SELECT price, other_values FROM order_completed WHERE id = 'm-1'`,
    );
    expect(rows).toEqual([{ price: '2', other_values: { fresh: 'x' } }]);
    await sink.close();
    await database.query(`DROP OWNED BY ${schema}; DROP ROLE ${schema}`);
    await database.dispose();
  });
});

describe.runIf(there)('postgres: how much events can make', () => {
  let database: Database & { readonly url: string };
  beforeEach(async () => {
    database = await openOwnDatabase();
  });
  afterEach(() => database.dispose());

  const tables = async (): Promise<unknown[]> =>
    (
      await database.query(
        `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text LIKE 'test%' ORDER BY 1`,
      )
    ).map(({ relname }) => relname);

  it('is no table where maxTables is 0, but for those of the layout', async () => {
    const { schema, url } = database;
    const options = { url, schema, create: true, maxTables: 0 };
    const sink = await makeSink({ ...options, layout: 'warehouse' });
    const batch = [sinkEvent('m-1'), sinkEvent('m-2', { type: 'page' })];
    expect(await sink.deliver(batch, never())).toEqual([
      refused(/^no table .*order_completed: events have already created 0 tables \(maxTables\); /),
      OK,
    ]);
    expect(await tables()).toEqual(['pages', 'tracks']);
    await sink.close();
  });

  it.each([
    ['warehouse', 'events', ''],
    ['single', 'events_{event}', ''],
    ['single', 'events', '{userId}'],
  ] as const)(
    'is maxTables tables, in the layout %s with the table %j in the schema %j',
    async (layout, table, more) => {
      const { url } = database;
      const schema = `${database.schema}${more}`;
      const options = { url, layout, table, schema, create: true, maxTables: 5 };
      const event = (at: number) =>
        sinkEvent(`m-${at}`, { event: `Event ${at}`, userId: `u${at}` });
      const sinks = [await makeSink(options), await makeSink(options)];
      const results = await Promise.all(
        Array.from({ length: 16 }, async (_, at) =>
          sinks[at % 2]?.deliver([event(at)], never()).then(([result]) => result),
        ),
      );
      const full = refused(
        /events have already created 5 tables .*create the table, or raise maxTables$/,
      );
      expect(results.filter((result) => result?.ok)).toHaveLength(5);
      for (const result of results) if (!result?.ok) expect(result).toEqual(full);
      expect(await tables()).toHaveLength(layout === 'single' ? 5 : 6);
      // What is there stays in use.
      const at = results.findIndex((result) => result?.ok);
      expect(await sinks[0]?.deliver([event(at)], never())).toEqual([OK]);
      for (const sink of sinks) await sink.close();
    },
  );

  it('is maxColumns columns of a table, and the rest is kept beside them', async () => {
    const sink = await makeSink({
      ...{ schema: database.schema, url: database.url, layout: 'warehouse' },
      ...{ create: true, maxColumns: 20 },
    });
    for (let at = 0; at < 4; at++) {
      const properties = Object.fromEntries(
        Array.from({ length: 5 }, (_, n) => [`p_${at}_${n}`, n]),
      );
      expect(await sink.deliver([sinkEvent(`m-${at}`, { properties })], never())).toEqual([OK]);
    }
    const columns = await database.query(
      'SELECT FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2',
      [database.schema, 'order_completed'],
    );
    expect(columns).toHaveLength(20);
    const [row] = await database.query(`SELECT other_values FROM order_completed WHERE id = 'm-3'`);
    expect(row).toEqual({
      other_values: { p_3_0: 0, p_3_1: 1, p_3_2: 2, p_3_3: 3, p_3_4: 4 },
    });
    await sink.close();
  });

  it('is no column more than PostgreSQL takes, of which dropped ones are part', async () => {
    await database.query(`CREATE TABLE order_completed (${VENDOR}, other_values jsonb)`);
    const columns = Array.from({ length: 1_586 }, (_, n) => n);
    const all = (verb: string) => columns.map((n) => `${verb} c${n}`).join(', ');
    await database.query(
      `ALTER TABLE order_completed ${all('ADD').replaceAll(/(c\d+)/g, '$1 boolean')}`,
    );
    await database.query(`ALTER TABLE order_completed ${all('DROP')}`);
    const { schema, url } = database;
    const sink = await makeSink({ url, schema, layout: 'warehouse', create: true });
    const properties = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`p${n}`, n]));
    expect(await sink.deliver([sinkEvent('m-1', { properties })], never())).toEqual([OK]);
    const [row] = await database.query('SELECT p0, other_values FROM order_completed');
    expect(row).toMatchObject({ p0: '0', other_values: { p9: 9 } });
    await sink.close();
  });
});
