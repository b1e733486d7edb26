import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { createPostgresSink, type PostgresOptions } from '../../../src/sinks/postgres/sink.js';
import type { SinkContext, SinkEvent } from '../../../src/sinks/sink.js';
import { sinkContext } from '../events.js';

/** The server that runs on this machine. */
export const PORT = 5432;
export const urlTo = (port: number, more = ''): string =>
  `postgresql://postgres:a-secret-password@127.0.0.1:${port}/postgres${more}`;

/** A schema of its own, that a test can look into. */
export interface Database {
  readonly schema: string;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Drops the schema with all that is in it. */
  dispose(): Promise<void>;
}

export async function openDatabase(url = urlTo(PORT)): Promise<Database> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  await client.query(`CREATE SCHEMA ${schema}; SET search_path = ${schema}`);
  return {
    schema,
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await client.query<Row>(text, values)).rows,
    async dispose() {
      await client.query(`SET client_min_messages = error; DROP SCHEMA ${schema} CASCADE`);
      await client.end();
    },
  };
}

/** A database that no other test makes tables in, and its URL. */
export async function openOwnDatabase(): Promise<Database & { readonly url: string }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const server = new pg.Client({ connectionString: urlTo(PORT) });
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`);
  const url = urlTo(PORT).replace(/postgres$/, name);
  const database = await openDatabase(url);
  return {
    ...database,
    url,
    async dispose() {
      await database.dispose();
      await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await server.end();
    },
  };
}

/** The columns of the contract, and in which order the rows came. */
export const EVENTS_IN_ORDER = `CREATE TABLE events (seq bigserial, dedupe_key text PRIMARY KEY, message_id text, type text,
  event text, user_id text, anonymous_id text, "timestamp" timestamptz, received_at timestamptz, payload jsonb)`;

/** A sink with the options as the schema would fill them. */
export function makeSink(
  options: Partial<PostgresOptions>,
  context: Partial<Pick<SinkContext, 'clock' | 'log' | 'metrics' | 'sources'>> = {},
) {
  const defaults = {
    url: urlTo(PORT),
    table: 'events',
    schema: 'public',
    layout: 'single' as const,
    create: false,
    maxTables: 1_000,
    maxColumns: 1_000,
    integers: 'numeric' as const,
    overflow: 'other_values' as const,
    underscoreDivideNumbers: false,
    underscoreLeadingDigit: false,
    allowUsersContextTraits: false,
    skipUsersTable: false,
    skipTracksTable: false,
    jsonPaths: [],
  };
  return createPostgresSink({ ...defaults, ...options }, { ...sinkContext(), ...context });
}

export const never = (): AbortSignal => new AbortController().signal;

/** What JSONB holds of a value: NUL and half surrogates become their escape. */
function stored(value: unknown): unknown {
  const escaped = (unit: string): string =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const text = (each: string): string =>
    each.replace(/\p{Cs}/gu, escaped).replaceAll('\0', escaped);
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map(stored);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [text(key), stored(each)]));
}

export const arrives = (event: SinkEvent): unknown => stored(JSON.parse(event.json));
