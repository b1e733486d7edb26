import { readFile, rm } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENTS_IN_ORDER, PORT, urlTo } from '../sinks/postgres/setup.js';
import { sinkExample } from '../support/markdown.js';
import { type Cluster, startCluster } from '../support/postgres-cluster.js';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';
import { requireServer } from '../support/servers.js';

const EVENTS = 10_000;
const USERS = 40;
const BATCH = 500;
const there = await requireServer('PostgreSQL', PORT);

describe.runIf(there)('events on their way to PostgreSQL', () => {
  let cluster: Cluster;
  let receiver: Receiver;

  beforeAll(async () => {
    cluster = await startCluster();
    const client = new pg.Client({ connectionString: urlTo(cluster.port) });
    await client.connect();
    await client.query(EVENTS_IN_ORDER);
    await client.end();
    const sink = { batch: { size: 100, wait: 10 }, retry: { initial: 50, max: 500 } };
    const url = urlTo(cluster.port);
    receiver = await startReceiver({
      config: {
        server: { port: 0 },
        admin: { port: 0 },
        sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
        sinks: {
          db: { type: 'postgres', url, create: true, ...sink },
          warehouse: {
            type: 'postgres',
            url,
            schema: '{source}',
            layout: 'warehouse',
            create: true,
            ...sink,
          },
        },
      },
    });
  });
  afterAll(async () => {
    await receiver?.end('SIGKILL');
    await cluster?.dispose();
    await rm(receiver?.directory ?? '', { recursive: true, force: true });
  });

  it('all arrive once and in each user’s order, though the server crashes and restarts', async () => {
    // The restarts end connections; each question has one of its own.
    const ask = async (text: string): Promise<Record<string, unknown>[]> => {
      const client = new pg.Client({ connectionString: urlTo(cluster.port) });
      await client.connect();
      try {
        return (await client.query(text)).rows;
      } finally {
        await client.end();
      }
    };
    const count = async (): Promise<number> =>
      Number((await ask('SELECT count(*) FROM events'))[0]?.['count']);

    let sent = 0;
    const restarts: [number, 'immediate' | 'fast'][] = [
      [2_000, 'immediate'],
      [6_000, 'fast'],
    ];
    while (sent < EVENTS) {
      const batch = Array.from({ length: BATCH }, (_, index) => {
        const n = sent + index;
        return trackText(`m-${n}`, { userId: `u-${n % USERS}`, properties: { n } });
      });
      const body = `[${batch.join()}]`;
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${receiver.url}/in`, { method: 'POST', headers, body });
      expect(answer.status).toBe(200);
      sent += BATCH;
      const restart = restarts.find(([after]) => after === sent);
      if (restart === undefined) continue;
      await eventually(count, (arrived) => arrived > 0);
      await cluster.restart(restart[1]);
    }
    expect(await eventually(count, (arrived) => arrived >= EVENTS)).toBe(EVENTS);
    for (const table of ['tracks', 'order_completed']) {
      const [counted] = await eventually(
        () => ask(`SELECT count(*)::int, count(DISTINCT id)::int AS ids FROM "in".${table}`),
        ([row]) => Number(row?.['count']) >= EVENTS,
      );
      expect(counted, table).toEqual({ count: EVENTS, ids: EVENTS });
    }
    const [order] = await ask(
      `SELECT count(*) FILTER (WHERE n < before)::int AS wrong FROM (
        SELECT (payload->'properties'->>'n')::int AS n,
          lag((payload->'properties'->>'n')::int) OVER (PARTITION BY user_id ORDER BY seq) AS before
        FROM events) AS rows`,
    );
    expect(order).toEqual({ wrong: 0 });
  });

  it('arrive but for one that the database refuses, in both layouts', async () => {
    const client = new pg.Client({ connectionString: urlTo(cluster.port) });
    await client.connect();
    try {
      for (const table of ['events', '"in".tracks']) {
        await client.query(`ALTER TABLE ${table} ADD CHECK (user_id <> 'poison') NOT VALID`);
      }
      const ids = Array.from({ length: 50 }, (_, n) => `p-${n}`);
      const users = (n: number): string => (n === 20 ? 'poison' : 'of-the-same-lane');
      const batch = ids.map((id, n) => trackText(id, { userId: users(n), event: 'Poisoned' }));
      const headers = { 'content-type': 'application/json' };
      const body = `[${batch.join()}]`;
      await fetch(`${receiver.url}/in`, { method: 'POST', headers, body });
      for (const [table, id] of [
        ['events', 'message_id'],
        ['"in".tracks', 'id'],
        ['"in".poisoned', 'id'],
      ]) {
        const rows = await eventually(
          async () =>
            (
              await client
                .query(`SELECT ${id} AS id FROM ${table} WHERE ${id} LIKE 'p-%'`)
                .catch(() => undefined)
            )?.rows ?? [],
          (all) => all.length >= 49,
        );
        expect(rows.map((row) => row.id).sort(), table).toEqual(
          ids.filter((each) => each !== 'p-20').sort(),
        );
      }
      const list = ['dead-letters', 'list', '--json', '--admin', receiver.adminUrl];
      const dead = await eventually(
        async () => JSON.parse((await runCommand(list, { cwd: receiver.directory })).stdout),
        (all) => all.length >= 2,
      );
      expect(dead).toHaveLength(2);
      for (const each of dead) {
        expect(each).toMatchObject({
          messageId: 'p-20',
          error: expect.stringContaining('SQLSTATE 23514'),
        });
      }
    } finally {
      await client.end();
    }
  });

  it.each([
    ['postgres-sink', 'SELECT message_id FROM events'],
    ['warehouse-sink', 'SELECT id AS message_id FROM "in".order_completed'],
  ])(
    'arrive by the manual’s %s as it stands, which check --connect finds in order',
    async (use, text) => {
      const admin = new pg.Client({ connectionString: urlTo(cluster.port) });
      await admin.connect();
      await admin.query('DROP DATABASE IF EXISTS analytics');
      await admin.query('DROP ROLE IF EXISTS trackbridge');
      await admin.query('CREATE ROLE trackbridge LOGIN');
      await admin.query('CREATE DATABASE analytics OWNER trackbridge');
      await admin.end();
      const page = await readFile(new URL('../../docs/sinks/postgres.md', import.meta.url), 'utf8');
      const here = page.replaceAll(':5432', `:${cluster.port}`);
      const config = {
        server: { port: 0 },
        admin: { port: 0 },
        sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
        sinks: { db: sinkExample(here, use) },
      };
      const env = { POSTGRES_PASSWORD: 'not-looked-at' };
      const second = await startReceiver({ config, env });
      try {
        const args = ['check', '--config', 'trackbridge.json', '--connect'];
        expect(await runCommand(args, { cwd: second.directory, env })).toMatchObject({ code: 0 });
        await fetch(`${second.url}/in`, { method: 'POST', body: trackText('m-1') });
        const url = urlTo(cluster.port).replace(/postgres$/, 'analytics');
        const rows = await eventually(
          async () => {
            const client = new pg.Client({ connectionString: url });
            await client.connect();
            const answer = await client.query(text).catch(() => undefined);
            await client.end();
            return answer?.rows ?? [];
          },
          (all) => all.length > 0,
        );
        expect(rows).toEqual([{ message_id: 'm-1' }]);
      } finally {
        await second.end();
        await rm(second.directory, { recursive: true, force: true });
      }
    },
  );
});
