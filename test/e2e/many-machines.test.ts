import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRecordingSink, type RecordingSink } from '../faults/recording-sink.js';
import { type Cluster, startCluster } from '../support/postgres-cluster.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  runCommand,
  startReceiver,
} from '../support/receiver.js';
import { trackText } from '../support/sender.js';
import { requireServer } from '../support/servers.js';

const USERS = 40;
const EVENTS = 4_000;
/** Events of a batch of the sink, and the partitions of the store. */
const BATCH = 10;
const PARTITIONS = 32;

describe.runIf(await requireServer('PostgreSQL', 5432))('two processes on one store', () => {
  let cluster: Cluster;
  let sink: RecordingSink;
  const receivers: Receiver[] = [];

  const start = async (member: string, args: readonly string[] = []): Promise<Receiver> => {
    const receiver = await startReceiver({
      directory: await makeDirectory(),
      args,
      config: {
        server: { port: 0 },
        admin: { port: 0 },
        outbox: {
          type: 'postgres',
          url: `postgresql://postgres@127.0.0.1:${cluster.port}/postgres`,
          partitions: PARTITIONS,
          lease: '3s',
          member,
        },
        sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
        sinks: {
          hook: {
            ...sink.options,
            body: 'array',
            batch: { size: BATCH, wait: 5 },
            timeout: '2s',
          },
        },
      },
    });
    receivers.push(receiver);
    return receiver;
  };

  beforeAll(async () => {
    [cluster, sink] = await Promise.all([startCluster(), openRecordingSink()]);
  });
  afterAll(async () => {
    for (const receiver of receivers) {
      await receiver.end('SIGKILL');
      await rm(receiver.directory, { recursive: true, force: true });
    }
    await sink?.close();
    await cluster?.dispose();
  });

  it('deliver every event in each user’s order, though one of them is killed', async () => {
    const [first, second] = [await start('first'), await start('second')];
    const sending = async (user: number): Promise<void> => {
      for (let n = 0; n < EVENTS / USERS; n += 1) {
        const id = `${user}:${n}`;
        const body = trackText(id, { userId: `u-${user}` });
        // Whoever is answered nothing tries the other one, with the same id.
        for (let attempt = n + user; ; attempt += 1) {
          const { url } = [first, second][attempt % 2] ?? first;
          const headers = { 'content-type': 'application/json' };
          const answer = await fetch(`${url}/in`, { method: 'POST', headers, body }).catch(
            () => undefined,
          );
          if (answer?.status === 200) break;
        }
      }
    };
    const all = Promise.all(Array.from({ length: USERS }, (_, user) => sending(user)));
    await eventually(
      () => sink.taken.length,
      (count) => count > EVENTS / 4,
    );
    await first.end('SIGKILL');
    await all;
    const ids = await eventually(
      () => new Set(sink.taken.map(({ messageId }) => messageId)),
      ({ size }) => size >= EVENTS,
    );
    expect(ids.size).toBe(EVENTS);
    const next = new Map<string, number>();
    let duplicates = 0;
    for (const { messageId } of sink.taken) {
      const [user = '', n = ''] = messageId.split(':');
      const expected = next.get(user) ?? 0;
      if (Number(n) < expected) {
        duplicates += 1;
        continue;
      }
      expect(Number(n), `the event of user ${user}`).toBe(expected);
      next.set(user, expected + 1);
    }
    expect(duplicates).toBeLessThanOrEqual(PARTITIONS * BATCH);
    const stats = await fetch(`${second.adminUrl}/api/stats`).then((answer) => answer.json());
    expect(stats).toMatchObject({ accepted: EVENTS, pending: 0 });
  });

  it('take over what a receiver with a file had, and give it back', async () => {
    const directory = await makeDirectory();
    const sources = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };
    const down = { type: 'http', url: 'http://127.0.0.1:1/', allowPrivateAddresses: true };
    const common = { server: { port: 0 }, admin: { port: 0 }, sources, sinks: { hook: down } };
    const url = `postgresql://postgres@127.0.0.1:${cluster.port}/postgres`;
    const configs = {
      old: { ...common, outbox: { type: 'sqlite', path: './outbox.db' } },
      new: { ...common, outbox: { type: 'postgres', url, schema: 'moved' } },
      back: { ...common, outbox: { type: 'sqlite', path: './back.db' } },
    };
    for (const [name, config] of Object.entries(configs)) {
      await writeFile(join(directory, `${name}.json`), JSON.stringify(config));
    }
    const serve = async (name: keyof typeof configs): Promise<Receiver> => {
      const receiver = await startReceiver({ directory, config: configs[name] });
      receivers.push(receiver);
      return receiver;
    };
    const migrate = (from: string, to: string, engine: string, ...more: string[]) => {
      const args = ['--config', `${from}.json`, '--to', engine, '--with', `${to}.json`, ...more];
      return runCommand(['outbox', 'migrate', ...args], { cwd: directory });
    };
    const old = await serve('old');
    const body = `[${Array.from({ length: 30 }, (_, n) => trackText(`moved-${n}`, { userId: `u-${n % 3}` })).join()}]`;
    const headers = { 'content-type': 'application/json' };
    await fetch(`${old.url}/in`, { method: 'POST', headers, body });
    expect(await migrate('old', 'new', 'postgres')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is in use by another process'),
    });
    await old.end();
    expect(await migrate('old', 'new', 'sqlite')).toMatchObject({ code: 2 });
    const counted = await migrate('old', 'new', 'postgres', '--dry-run', '--json');
    const moved = await migrate('old', 'new', 'postgres', '--json');
    const report = { events: 30, ids: 30, sinks: [{ name: 'hook', pending: 30 }] };
    expect(JSON.parse(counted.stdout)).toMatchObject({ dryRun: true, ...report });
    expect(JSON.parse(moved.stdout)).toMatchObject({ dryRun: false, ...report });
    await expect(serve('old')).rejects.toThrow('was moved to another store');

    const member = await serve('new');
    await fetch(`${member.url}/in`, { method: 'POST', headers, body });
    const options = ['--admin', member.adminUrl];
    const stats = JSON.parse((await runCommand(['stats', '--json', ...options])).stdout);
    expect(stats).toMatchObject({ accepted: 30, duplicates: 30, pending: 30 });
    const members = await runCommand(['stats', '--members', ...options]);
    expect(members.stdout).toMatch(/\(asked\) +all +256 /);
    await member.end();
    expect(await migrate('new', 'back', 'sqlite')).toMatchObject({ code: 0 });
    const back = await serve('back');
    const again = await runCommand(['stats', '--json', '--admin', back.adminUrl]);
    expect(JSON.parse(again.stdout)).toMatchObject({ accepted: 30, duplicates: 30, pending: 30 });
    await back.end();
  });
});
