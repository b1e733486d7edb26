import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sink } from '../../../src/sinks/sink.js';
import { requireServer } from '../../support/servers.js';
import { eventOf, forgedEvent, sinkContext, sinkEvent } from '../events.js';
import { type Database, makeSink, never, openDatabase, PORT, urlTo } from './setup.js';

const there = await requireServer('PostgreSQL', PORT);
const OK = { ok: true };

/** A table of the version before events had a deduplication key. */
const FORMER = `message_id text PRIMARY KEY, type text, event text, user_id text, anonymous_id text,
  "timestamp" timestamptz, received_at timestamptz, payload jsonb`;

describe.runIf(there)('postgres: a table of an earlier version', () => {
  let database: Database;
  const sinks: Sink[] = [];
  const messages: string[] = [];
  const open = async (options: Parameters<typeof makeSink>[0] = {}): Promise<Sink> => {
    const { log } = sinkContext();
    const info = (_fields: object, message: string) => void messages.push(message);
    const { schema } = database;
    const sink = await makeSink({ schema, create: true, ...options }, { log: { ...log, info } });
    sinks.push(sink);
    return sink;
  };
  const keys = async (table = 'events'): Promise<unknown[]> =>
    (await database.query(`SELECT dedupe_key FROM ${table} ORDER BY 1`)).map(
      (row) => row['dedupe_key'],
    );
  /** The rows that an earlier version wrote, whose receipts had no key. */
  const fill = async (...events: readonly ReturnType<typeof sinkEvent>[]): Promise<void> => {
    for (const { event, messageId } of events) {
      const { dedupeKey: _, ...receipt } = event.receipt;
      const payload = JSON.stringify({ ...event, receipt });
      await database.query('INSERT INTO events (message_id, payload) VALUES ($1, $2)', [
        messageId,
        payload,
      ]);
    }
  };
  beforeEach(async () => {
    database = await openDatabase();
    messages.length = 0;
  });
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
    await database.dispose();
  });

  it.each([
    ['a primary key', FORMER],
    ['a unique constraint', FORMER.replace('PRIMARY KEY', 'UNIQUE')],
    ['an index', FORMER.replace('PRIMARY KEY', '')],
  ])('is converted, whose messageId was kept unique by %s', async (kind, columns) => {
    await database.query(
      `CREATE TABLE events (seq bigserial, ${columns}, note text DEFAULT 'mine')`,
    );
    if (kind === 'an index') await database.query('CREATE UNIQUE INDEX ON events (message_id)');
    await fill(sinkEvent('a'), forgedEvent('b'), eventOf('other', 'c'));
    await database.query(`INSERT INTO events (message_id) VALUES ('hand-made')`);
    const sink = await open();
    await sink.check();
    const batch = [sinkEvent('a'), sinkEvent('b'), eventOf('other', 'a'), sinkEvent('d')];
    expect(await sink.deliver(batch, never())).toEqual(batch.map(() => OK));
    expect(await keys()).toEqual([
      'hand-made',
      'other:a',
      'other:c',
      'segment:a',
      'segment:b',
      'segment:d',
    ]);
    expect(messages).toEqual([
      'the table has the layout of an earlier version; converting it',
      'the table has been converted',
    ]);
    const [row] = await database.query(
      `SELECT note, seq FROM events WHERE message_id = 'hand-made'`,
    );
    expect(row).toEqual({ note: 'mine', seq: '4' });
    const indexes = await database.query(
      'SELECT indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY 1',
      [database.schema],
    );
    expect(indexes.map(({ indexdef }) => String(indexdef).replace(/^.* USING /, ''))).toEqual([
      'btree (message_id)',
      'btree (dedupe_key)',
    ]);
    expect(await (await open({ create: false })).deliver(batch, never())).toEqual(
      batch.map(() => OK),
    );
  });

  it('is converted by lanes and receivers that come at the same time, and keeps CloudEvents apart', async () => {
    await database.query(`CREATE TABLE events (${FORMER})`);
    const data = forgedEvent('cloud').event;
    const { dedupeKey: _, ...receipt } = data.receipt;
    await database.query(`INSERT INTO events (message_id, payload) VALUES ('cloud', $1)`, [
      JSON.stringify({ specversion: '1.0', data: { ...data, receipt } }),
    ]);
    const pair = [await open(), await open()];
    const ids = Array.from({ length: 16 }, (_each, at) => `m-${at}`);
    const results = await Promise.all(
      ids.map((id, at) => pair[at % 2]?.deliver([sinkEvent(id)], never())),
    );
    expect(results).toEqual(ids.map(() => [OK]));
    expect(await keys()).toEqual(
      ['segment:cloud:unauthenticated', ...ids.map((id) => `segment:${id}`)].sort(),
    );
  });

  it('is converted to the end, though an attempt does not wait for it', async () => {
    await database.query(`CREATE TABLE events (${FORMER})`);
    await fill(sinkEvent('a'));
    const sink = await open();
    await database.query('BEGIN');
    await database.query('LOCK TABLE events');
    const controller = new AbortController();
    const delivery = sink.deliver([sinkEvent('b')], controller.signal);
    const ended = delivery.catch((error: unknown) => error);
    await expect
      .poll(
        async () =>
          (
            await database.query(
              `SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                WHERE NOT l.granted AND c.relname = 'events' AND c.relnamespace = $1::regnamespace`,
              [database.schema],
            )
          ).length,
        { timeout: 5_000 },
      )
      .toBe(1);
    controller.abort();
    expect(await ended).toMatchObject({ retryable: true });
    // The conversion holds its place in the queue for the lock, and goes on.
    await database.query('COMMIT');
    expect(await sink.deliver([sinkEvent('b')], never())).toEqual([OK]);
    expect(await keys()).toEqual(['segment:a', 'segment:b']);
    expect(messages).toHaveLength(2);
  });

  it('is left alone where nothing may be made, and says what to do', async () => {
    await database.query(`CREATE TABLE events (${FORMER})`);
    await fill(sinkEvent('a'));
    const { schema } = database;
    const former = {
      retryable: true,
      message: `${schema}.events has the layout of an earlier version; set create: true as its owner to convert it, or see the documentation of the sink`,
    };
    const strict = await open({ create: false });
    await expect(strict.deliver([sinkEvent('b')], never())).rejects.toMatchObject(former);
    await expect(strict.check()).rejects.toMatchObject(former);
    await database.query(`CREATE ROLE ${schema} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${schema};
      GRANT INSERT, SELECT, DELETE ON events TO ${schema}`);
    const url = urlTo(PORT).replace(/postgres:[^@]*@/, `${schema}@`);
    const stranger = await open({ url });
    await expect(stranger.deliver([sinkEvent('b')], never())).rejects.toMatchObject(former);
    await stranger.close();
    await database.query(`DROP OWNED BY ${schema}; DROP ROLE ${schema}`);
    expect(await database.query('SELECT message_id FROM events')).toEqual([{ message_id: 'a' }]);
  });

  it('costs no event where its rows cannot be told apart by their keys', async () => {
    await database.query(`CREATE TABLE events (${FORMER})`);
    await fill(forgedEvent('a'), sinkEvent('a:unauthenticated'));
    await expect((await open()).deliver([sinkEvent('b')], never())).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(
        / has the layout of an earlier version and cannot be converted: .*23505/,
      ),
    });
  });

  it('is each of those that a template names', async () => {
    await database.query(
      `CREATE TABLE events_track (${FORMER}); CREATE TABLE events_page (${FORMER})`,
    );
    const sink = await open({ table: 'events_{type}' });
    const batch = [
      sinkEvent('a'),
      sinkEvent('b', { type: 'page' }),
      sinkEvent('c', { type: 'group' }),
    ];
    expect(await sink.deliver(batch, never())).toEqual([OK, OK, OK]);
    for (const type of ['track', 'page', 'group'])
      expect(await keys(`events_${type}`)).toHaveLength(1);
  });
});

describe.runIf(there)('postgres: tables that events name, which the sink does not make', () => {
  it('cost only the events that bring the name', async () => {
    const database = await openDatabase();
    const { schema } = database;
    await database.query('CREATE TABLE events_customers (id text PRIMARY KEY, secret text)');
    const maker = await makeSink({ schema, table: 'events_{event}', create: true });
    await maker.deliver([sinkEvent('m-0', { event: 'Known' })], never());
    const strict = await makeSink({ schema, table: 'events_{event}' });
    const batch = [
      sinkEvent('m-1', { event: 'Unknown' }),
      sinkEvent('m-2', { event: 'Known' }),
      sinkEvent('m-3', { event: 'Customers' }),
    ];
    for (const sink of [strict, maker]) {
      const [unknown, known, customers] = await sink.deliver(batch, never());
      if (sink === maker) expect(unknown).toEqual(OK);
      else {
        expect(unknown).toEqual({
          ok: false,
          retryable: false,
          message: `there is no table ${schema}.events_unknown; create it, or set create: true`,
        });
      }
      expect(known).toEqual(OK);
      expect(customers).toMatchObject({
        retryable: false,
        message: expect.stringMatching(/exists but does not have this layout/),
      });
      await sink.close();
    }
    expect(await database.query('SELECT * FROM events_customers')).toEqual([]);
    await database.dispose();
  });
});
