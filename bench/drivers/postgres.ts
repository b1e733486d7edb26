import pg from 'pg';
import { systemClock } from '../../src/core/clock.js';
import { createPostgresSink } from '../../src/sinks/postgres/sink.js';
import type { SinkEvent } from '../../src/sinks/sink.js';
import type { Sides, SinkBench } from './driver.js';

const URL = 'postgresql://postgres@127.0.0.1:5432/postgres';
const SINGLE =
  'dedupe_key text PRIMARY KEY, message_id text, type text, event text, user_id text, anonymous_id text, ' +
  '"timestamp" timestamptz, received_at timestamptz, payload jsonb';
const WIDE =
  'id text PRIMARY KEY, user_id text, event text, event_text text, "timestamp" timestamptz, received_at timestamptz, ' +
  'uuid_ts timestamptz DEFAULT now(), context_ip text, context_library_name text, context_library_version text';
const WIDER = `${WIDE}, order_id text, revenue numeric, currency text, note text`;

type Bare = (pool: pg.Pool, schema: string, batch: readonly SinkEvent[]) => Promise<unknown>;

const insertRows: Bare = (pool, schema, batch) => {
  const events = batch.map(({ event }) => event);
  return pool.query(
    `INSERT INTO ${schema}.bare SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
      $6::text[], $7::timestamptz[], $8::timestamptz[], $9::jsonb[]) ON CONFLICT (dedupe_key) DO NOTHING`,
    [
      batch.map(({ dedupeKey }) => dedupeKey),
      events.map(({ messageId }) => messageId),
      events.map(({ type }) => type),
      events.map(({ event }) => event),
      events.map(({ userId }) => userId),
      events.map(({ anonymousId }) => anonymousId),
      events.map(({ timestamp }) => timestamp),
      events.map(({ receivedAt }) => receivedAt),
      batch.map(({ json }) => json),
    ],
  );
};

/** What one would write by hand who knows every event and every column beforehand. */
const insertWide: Bare = async (pool, schema, batch) => {
  const rows = batch.map(({ event }) => {
    const { ip, library } = Object(event.context);
    const common = {
      id: event.messageId,
      user_id: event['userId'],
      event: 'order_completed',
      event_text: event['event'],
      timestamp: event.timestamp,
      received_at: event.receivedAt,
      context_ip: ip,
      context_library_name: library.name,
      context_library_version: library.version,
    };
    return { common, own: { ...common, ...Object(event['properties']) } };
  });
  const client = await pool.connect();
  const write = (table: string, columns: string, records: readonly object[]) =>
    client.query(
      `INSERT INTO ${schema}.${table} (${columns}) SELECT ${columns}
        FROM json_populate_recordset(NULL::${schema}.${table}, $1::json) ON CONFLICT (id) DO NOTHING`,
      [JSON.stringify(records)],
    );
  const common = Object.keys(rows[0]?.common ?? {}).join(', ');
  await client.query('BEGIN');
  await write(
    'bare_own',
    `${common}, order_id, revenue, currency, note`,
    rows.map(({ own }) => own),
  );
  await write(
    'bare_tracks',
    common,
    rows.map((row) => row.common),
  );
  await client.query('COMMIT');
  client.release();
};

async function beside(layout: 'single' | 'warehouse', bare: Bare): Promise<Sides> {
  const pool = new pg.Pool({ connectionString: URL });
  const schema = `bench_${process.pid}`;
  await pool.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.bare (${SINGLE});
    CREATE INDEX ON ${schema}.bare (message_id);
    CREATE TABLE ${schema}.bare_tracks (${WIDE}); CREATE TABLE ${schema}.bare_own (${WIDER})`);
  const options = { url: URL, schema, table: 'events', layout, create: true };
  const limits = { maxTables: 1_000, maxColumns: 1_000 };
  const defaults = {
    integers: 'numeric' as const,
    overflow: 'other_values' as const,
    underscoreDivideNumbers: false,
    underscoreLeadingDigit: false,
    allowUsersContextTraits: false,
    skipUsersTable: false,
    skipTracksTable: false,
    jsonPaths: [],
  };
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const context = { clock: systemClock, log };
  const sink = await createPostgresSink({ ...options, ...limits, ...defaults }, context);
  const { signal } = new AbortController();
  return {
    ours: (batch) => sink.deliver(batch, signal),
    bare: (batch) => bare(pool, schema, batch),
    async teardown() {
      await sink.close();
      await pool.query(`SET client_min_messages = error; DROP SCHEMA ${schema} CASCADE`);
      await pool.end();
    },
  };
}

export const benches: readonly SinkBench[] = [
  { name: 'postgres', setup: () => beside('single', insertRows) },
  { name: 'postgres warehouse', setup: () => beside('warehouse', insertWide) },
];
