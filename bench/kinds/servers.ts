import { randomUUID } from 'node:crypto';
import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Kind } from './kind.js';

/** Kinds whose far side is a server on its standard port of this machine. */

export const postgres: Kind = {
  name: 'postgres',
  async open() {
    const url = 'postgresql://postgres@127.0.0.1:5432/postgres';
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    const schema = `bench_${randomUUID().replaceAll('-', '_')}`;
    await pool.query(`CREATE SCHEMA ${schema}`);
    return {
      sinks: { table: { type: 'postgres', url, schema, table: 'events', create: true } },
      async count() {
        const { rows } = await pool.query(`SELECT to_regclass('${schema}.events') AS known`);
        if (rows[0].known === null) return 0;
        const counted = await pool.query(`SELECT count(*) AS events FROM ${schema}.events`);
        return Number(counted.rows[0].events);
      },
      async close() {
        await pool.query(`SET client_min_messages = error; DROP SCHEMA ${schema} CASCADE`);
        await pool.end();
      },
    };
  },
};

export const nats: Kind = {
  name: 'nats',
  async open() {
    const servers = 'nats://127.0.0.1:4222';
    const stream = `trackbridge-bench-${randomUUID()}`;
    const connection = await transport.connect({ servers });
    const { streams } = await jetstream.jetstreamManager(connection);
    const limits = { max_msgs: 50_000, duplicate_window: 60e9 };
    await streams.add({ name: stream, subjects: [`${stream}.>`], ...limits });
    return {
      sinks: { stream: { type: 'nats', servers, stream, subject: `${stream}.{type}` } },
      // The stream drops old events, but its sequence counts them all.
      count: async () => (await streams.info(stream)).state.last_seq,
      async close() {
        await streams.delete(stream);
        await connection.close();
      },
    };
  },
};

export const redis: Kind = {
  name: 'redis',
  async open() {
    const client = new Redis({ host: '127.0.0.1', lazyConnect: true, maxRetriesPerRequest: 0 });
    await client.connect();
    const stream = `trackbridge-bench-${randomUUID()}`;
    const url = 'redis://127.0.0.1';
    return {
      sinks: { stream: { type: 'redis', url, stream, maxLength: 50_000 } },
      // The stream drops old events, but counts all that were ever added (Redis 7).
      async count() {
        if ((await client.exists(stream)) === 0) return 0;
        const info = (await client.xinfo('STREAM', stream)) as readonly unknown[];
        return Number(info[info.indexOf('entries-added') + 1]);
      },
      async close() {
        await client.del(stream);
        client.disconnect();
      },
    };
  },
};
