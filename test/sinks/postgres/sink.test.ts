import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SinkError } from '../../../src/sinks/sink.js';
import { startRelay } from '../../support/relay.js';
import { requireServer } from '../../support/servers.js';
import { sinkContract } from '../contract.js';
import { sinkEvent } from '../events.js';
import {
  arrives,
  type Database,
  EVENTS_IN_ORDER,
  makeSink,
  never,
  openDatabase,
  PORT,
  urlTo,
} from './setup.js';

const there = await requireServer('PostgreSQL', PORT);

describe.runIf(there)('postgres: with a server', () => {
  sinkContract('postgres', async () => {
    const database = await openDatabase();
    await database.query(EVENTS_IN_ORDER);
    const relay = await startRelay(PORT);
    const { schema } = database;
    return {
      sink: await makeSink({ url: urlTo(relay.port), schema, create: true }),
      broken: await makeSink({ url: urlTo(1), schema, create: true }),
      received: async () => {
        const rows = await database.query('SELECT payload FROM events ORDER BY seq');
        return rows.map(({ payload }) => payload);
      },
      arrives,
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

  describe('postgres: one table', () => {
    let database: Database;
    const sinks: { close(): Promise<void> }[] = [];
    const open = async (options: Parameters<typeof makeSink>[0] = {}) => {
      const sink = await makeSink({ schema: database.schema, create: true, ...options });
      sinks.push(sink);
      return sink;
    };
    const failure = async (work: Promise<unknown>): Promise<SinkError> => {
      const error = await work.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(SinkError);
      return error as SinkError;
    };
    beforeEach(async () => {
      database = await openDatabase();
    });
    afterEach(async () => {
      for (const sink of sinks.splice(0)) await sink.close();
      await database.dispose();
    });

    it('is made with the columns of the contract', async () => {
      const sink = await open();
      const event = { userId: 'u\u0000', anonymousId: 'a-1', event: 'Order "done"; --' };
      await sink.deliver([sinkEvent('m-1', event)], never());
      const [row] = await database.query('SELECT *, timestamp AT TIME ZONE $1 AS utc FROM events', [
        'UTC',
      ]);
      expect(row).toMatchObject({
        dedupe_key: 'segment:m-1',
        message_id: 'm-1',
        type: 'track',
        event: 'Order "done"; --',
        user_id: 'u\\u0000',
        anonymous_id: 'a-1',
        received_at: new Date('2026-01-02T03:04:06.000Z'),
        timestamp: new Date('2026-01-02T03:04:05.000Z'),
        payload: { messageId: 'm-1' },
      });
    });

    it('holds what an event has no value for as null', async () => {
      const sink = await open();
      const odd = {
        userId: 7,
        event: undefined,
        timestamp: 'no time',
        receivedAt: '+012026-01-01T00:00:00.000Z',
      };
      await sink.deliver([sinkEvent('m-1', odd as never)], never());
      const [row] = await database.query('SELECT * FROM events');
      expect(row).toMatchObject({ user_id: null, event: null, timestamp: null, received_at: null });
    });

    it('has each event once, also within a batch and over a restart', async () => {
      const first = await open();
      await first.deliver([sinkEvent('m-1'), sinkEvent('m-2'), sinkEvent('m-1')], never());
      await first.close();
      const second = await open();
      await second.deliver([sinkEvent('m-2'), sinkEvent('m-3')], never());
      const rows = await database.query('SELECT message_id FROM events ORDER BY 1');
      expect(rows.map((row) => row['message_id'])).toEqual(['m-1', 'm-2', 'm-3']);
    });

    it('keeps messageIds apart that differ after a NUL', async () => {
      const sink = await open();
      await sink.deliver([sinkEvent('m\u0000a'), sinkEvent('m\u0000b')], never());
      expect(await database.query('SELECT FROM events')).toHaveLength(2);
    });

    it('is one a type where the name says so, and no event can name another', async () => {
      const sink = await open({ table: 'events_{type}' });
      const types = ['track', 'page', '"; DROP TABLE events_track; --', 'x'.repeat(100)];
      const batch = types.map((type, index) => sinkEvent(`m-${index}`, { type }));
      await sink.deliver(batch, never());
      const rows = await database.query(
        'SELECT table_name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1',
        [database.schema],
      );
      const expected = ['events__drop_table_events_track_', 'events_page', 'events_track'];
      expect(rows.map((row) => row['table_name'])).toEqual([
        ...expected,
        `events_${'x'.repeat(56)}`,
      ]);
    });

    it('gets columns that it lacks, and keeps what is in it', async () => {
      await database.query('CREATE TABLE events (dedupe_key text PRIMARY KEY, note text)');
      await database.query(`INSERT INTO events VALUES ('m-0', 'mine')`);
      const sink = await open();
      await sink.deliver([sinkEvent('m-1')], never());
      const rows = await database.query('SELECT dedupe_key, note, type FROM events ORDER BY 1');
      expect(rows).toEqual([
        { dedupe_key: 'm-0', note: 'mine', type: null },
        { dedupe_key: 'segment:m-1', note: null, type: 'track' },
      ]);
    });

    it('is made once by lanes that come at the same time', async () => {
      const pair = [
        await open({ schema: `${database.schema}_more` }),
        await open({ schema: `${database.schema}_more` }),
      ];
      await Promise.all(
        Array.from({ length: 16 }, (_, lane) =>
          pair[lane % 2]?.deliver([sinkEvent(`m-${lane}`)], never()),
        ),
      );
      const [row] = await database.query(
        `SELECT count(*)::int FROM ${database.schema}_more.events`,
      );
      await database.query(`DROP SCHEMA ${database.schema}_more CASCADE`);
      expect(row).toEqual({ count: 16 });
    });

    it('that is missing or dropped costs no event', async () => {
      const sink = await open({ create: false });
      const error = await failure(sink.deliver([sinkEvent('m-1')], never()));
      expect(error).toMatchObject({
        retryable: true,
        message: `there is no table ${database.schema}.events; create it, or set create: true`,
      });
      const making = await open();
      await making.deliver([sinkEvent('m-1')], never());
      expect(await sink.deliver([sinkEvent('m-2')], never())).toEqual([{ ok: true }]);
      await database.query('DROP TABLE events');
      for (const each of [sink, making]) {
        expect(await failure(each.deliver([sinkEvent('m-3')], never()))).toMatchObject({
          retryable: true,
        });
      }
      expect(await making.deliver([sinkEvent('m-3')], never())).toEqual([{ ok: true }]);
    });

    it('refuses an event for good that breaks a constraint, and says no value aloud', async () => {
      await database.query(`${EVENTS_IN_ORDER.slice(0, -1)}, CHECK (user_id <> 'poison'))`);
      const sink = await open();
      const batch = [sinkEvent('m-1'), sinkEvent('m-2', { userId: 'poison' })];
      const error = await failure(sink.deliver(batch, never()));
      expect(error.retryable).toBe(false);
      expect(error.message).toMatch(/violates a constraint of the table \(SQLSTATE 23514\)$/);
      expect(error.message).not.toContain('poison');
      // Whichever half the dispatcher sends next: nothing is written twice or missing.
      expect(await failure(sink.deliver(batch.slice(1), never()))).toMatchObject({
        retryable: false,
      });
      expect(await sink.deliver(batch.slice(0, 1), never())).toEqual([{ ok: true }]);
    });

    it.each([
      [
        'a database that is not there',
        '/nowhere',
        /has no database nowhere; create it \(SQLSTATE 3D000\)/,
      ],
      [
        'a user that is not there',
        '',
        /rejected the user or password; check url \(SQLSTATE 28000\)/,
      ],
    ])('tries again later: %s', async (_, database_, message) => {
      const user = database_ === '' ? 'nobody-i-know' : 'postgres';
      const url = `postgresql://${user}:a-secret-password@127.0.0.1:${PORT}${database_ || '/postgres'}`;
      const sink = await open({ url });
      for (const work of [() => sink.deliver([sinkEvent('m-1')], never()), () => sink.check()]) {
        const error = await failure(work());
        expect(error).toMatchObject({ retryable: true, message: expect.stringMatching(message) });
        expect(error.message).not.toContain('a-secret-password');
      }
    });

    it('sends no more in one statement than fits', async () => {
      const sink = await open();
      const text = 'x'.repeat(3_000_000);
      const batch = Array.from({ length: 8 }, (_, index) =>
        sinkEvent(`m-${index}`, { properties: { text } }),
      );
      expect(await sink.deliver(batch, never())).toEqual(batch.map(() => ({ ok: true })));
      const [row] = await database.query(
        `SELECT count(*)::int, sum(length(payload->'properties'->>'text'))::int,
          count(DISTINCT xmin::text)::int AS statements FROM events`,
      );
      expect(row).toEqual({ count: 8, sum: 24_000_000, statements: 4 });
    });

    /** How many statements wait for a lock on the table. */
    const waiting = async (): Promise<unknown> => {
      const [row] = await database.query(
        `SELECT count(*)::int AS count FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
          WHERE NOT l.granted AND c.relname = 'events' AND c.relnamespace = $1::regnamespace`,
        [database.schema],
      );
      return row?.['count'];
    };

    it('lets go of a statement that its signal ended, so that nothing stays locked', async () => {
      const sink = await open();
      await sink.deliver([sinkEvent('m-0')], never());
      await database.query('BEGIN');
      await database.query('LOCK TABLE events');
      const controller = new AbortController();
      const delivery = failure(sink.deliver([sinkEvent('m-1')], controller.signal));
      await expect.poll(waiting, { timeout: 5_000 }).toBe(1);
      controller.abort();
      expect(await delivery).toMatchObject({ retryable: true });
      await expect.poll(waiting, { timeout: 5_000 }).toBe(0);
      await database.query('ROLLBACK');
      expect(await sink.deliver([sinkEvent('m-1')], never())).toEqual([{ ok: true }]);
    });

    it('goes on after the server ended its connections', async () => {
      const url = urlTo(PORT, `?application_name=${database.schema}`);
      const sink = await open({ url });
      await sink.deliver([sinkEvent('m-1')], never());
      const end =
        'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1';
      expect(await database.query(end, [database.schema])).toHaveLength(1);
      // The end of the connection may or may not have been seen yet.
      const again = (): Promise<unknown> => sink.deliver([sinkEvent('m-2')], never());
      await again().catch(() => again());
      expect(await database.query('SELECT FROM events')).toHaveLength(2);
    });

    it('closes in good time where the server fell silent', async () => {
      const relay = await startRelay(PORT);
      const sink = await open({ url: urlTo(relay.port) });
      await sink.deliver([sinkEvent('m-1')], never());
      await database.query('BEGIN');
      await database.query('LOCK TABLE events');
      const hanging = [failure(sink.deliver([sinkEvent('m-2')], never()))];
      await expect.poll(waiting, { timeout: 5_000 }).toBe(1);
      relay.stall();
      // One under way, one that gets no connection any more.
      hanging.push(failure(sink.deliver([sinkEvent('m-3')], never())));
      const began = performance.now();
      await sink.close();
      for (const each of hanging) expect(await each).toMatchObject({ retryable: true });
      expect(performance.now() - began).toBeLessThan(5_000);
      await relay.close();
      await database.query('ROLLBACK');
    });

    it('closes in good time though a delivery has only begun', async () => {
      const sink = await open();
      await sink.deliver([sinkEvent('m-1')], never());
      const begun = failure(sink.deliver([sinkEvent('m-2')], never()));
      const began = performance.now();
      await sink.close();
      expect(await begun).toMatchObject({ retryable: true });
      expect(performance.now() - began).toBeLessThan(5_000);
    });

    it('checks what keeps events out, and changes nothing', async () => {
      const { schema } = database;
      const problem = async (options: object = {}): Promise<string> =>
        (await failure((await open({ create: false, ...options })).check())).message;
      expect(await problem()).toBe(
        `there is no table ${schema}.events; create it, or set create: true`,
      );
      await (await open()).check();
      expect(await database.query('SELECT to_regclass($1) AS it', [`${schema}.events`])).toEqual([
        { it: null },
      ]);
      await database.query(
        EVENTS_IN_ORDER.replace('PRIMARY KEY', '').replace(', payload jsonb', ''),
      );
      expect(await problem()).toBe(
        `${schema}.events has no column payload; add it, or set create: true`,
      );
      expect(await problem({ create: true })).toBe(
        `${schema}.events has no primary key or unique index on dedupe_key; add it`,
      );
      await database.query('ALTER TABLE events ADD payload jsonb, ADD PRIMARY KEY (dedupe_key)');
      await (await open({ create: false })).check();
      await database.query(`CREATE ROLE ${schema}; GRANT USAGE ON SCHEMA ${schema} TO ${schema}`);
      const url = `postgresql://${schema}@127.0.0.1:${PORT}/postgres`;
      await database.query(`ALTER ROLE ${schema} LOGIN`);
      expect(await problem({ url })).toBe(
        `no right to INSERT and SELECT on ${schema}.events; grant it`,
      );
      const refused = (await open({ url, create: false })).deliver([sinkEvent('m-1')], never());
      expect(await failure(refused)).toMatchObject({ retryable: true });
      expect(await problem({ url, create: true, table: 'others' })).toBe(
        `no right to create tables in the schema ${schema}; grant it`,
      );
      await database.query(`REVOKE USAGE ON SCHEMA ${schema} FROM ${schema}; DROP ROLE ${schema}`);
    });
  });
});

describe('postgres: options', () => {
  it.each([
    [{ table: '{color}' }, /^table: has \{color\}; known are /],
    [{ schema: '{color}' }, /^schema: has \{color\}; known are /],
    [{ url: 'postgresql://u:a-secret-password@[:x/y' }, /^url: must be postgresql:/],
  ])('refuses %j', async (options, message) => {
    const error = await makeSink(options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
    expect(String(error)).not.toContain('a-secret-password');
  });
});
