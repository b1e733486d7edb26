import { readFile, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClickHouse, clickHouse, exception, PASSWORD } from '../sinks/clickhouse/server.js';
import { sinkExample } from '../support/markdown.js';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';

const EVENTS = 10_000;
const USERS = 50;
const DELIVERY = 500;

describe('the clickhouse sink of the program', () => {
  let server: ClickHouse;
  let receiver: Receiver;
  beforeEach(async () => {
    server = await clickHouse();
  });
  afterEach(async () => {
    await receiver.end('SIGKILL');
    await rm(receiver.directory, { recursive: true, force: true });
    await server.stop();
  });
  const configOf = (sink: object) => ({
    server: { port: 0 },
    sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
    sinks: { warehouse: sink },
  });
  const start = async () => {
    const url = `http://127.0.0.1:${server.port}`;
    const fast = { batch: { size: 400, wait: '10ms' }, retry: { initial: '50ms', max: '200ms' } };
    receiver = await startReceiver({
      config: configOf({ type: 'clickhouse', url, password: PASSWORD, create: true, ...fast }),
    });
  };
  const send = async (from: number, count: number, event = 'E'): Promise<void> => {
    const batch = Array.from({ length: count }, (_, index) => {
      const n = from + index;
      return { type: 'track', event, messageId: `m-${n}`, userId: `u-${n % USERS}` };
    });
    const body = JSON.stringify(batch);
    expect((await fetch(`${receiver.url}/in`, { method: 'POST', body })).status).toBe(200);
  };
  const ids = (): string[] =>
    (server.tables.get('default.events')?.rows ?? []).map((row) => String(row['message_id']));

  it('inserts 10,000 events over restarts of the server: each once, each user in order', async () => {
    await start();
    for (let from = 0; from < EVENTS; from += DELIVERY) {
      await send(from, DELIVERY);
      if (from === 2_000 || from === 6_000) await server.stop();
      if (from === 4_000 || from === 8_000) await server.start();
    }
    await eventually(
      async () => ids(),
      (all) => new Set(all).size === EVENTS,
    );
    expect(ids()).toHaveLength(EVENTS);
    const last = new Map<number, number>();
    for (const n of ids().map((id) => Number(id.slice(2)))) {
      expect(n).toBeGreaterThan(last.get(n % USERS) ?? -1);
      last.set(n % USERS, n);
    }
  });

  it('makes a dead letter of the event that ClickHouse cannot read, and of no other', async () => {
    server.door = (response, body) => body.includes('poison') && exception(response, 400, 27);
    await start();
    await send(0, 20);
    await send(20, 1, 'poison');
    await send(21, 20);
    await eventually(
      async () => ids(),
      (all) => all.length === 40,
    );
    const said = await eventually(
      async () => receiver.stderr(),
      (text) => text.includes('events became dead letters'),
    );
    expect(said).toContain('code 27, it rejected a value of the event');
    expect(ids()).not.toContain('m-20');
  });

  it('works as the manual’s example has it, which check --connect finds in order', async () => {
    const page = await readFile(new URL('../../docs/sinks/clickhouse.md', import.meta.url), 'utf8');
    const here = page.replaceAll(':8123', `:${server.port}`);
    const env = { CLICKHOUSE_PASSWORD: PASSWORD };
    receiver = await startReceiver({ config: configOf(sinkExample(here, 'clickhouse-sink')), env });
    const args = ['check', '--config', 'trackbridge.json', '--connect'];
    expect(await runCommand(args, { cwd: receiver.directory, env })).toMatchObject({ code: 0 });
    await send(0, 1);
    expect(await receiver.end()).toBe(0);
    expect(ids()).toEqual(['m-0']);
  });
});
