import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OwnRedis, ownRedis } from '../sinks/redis/server.js';
import { deliverMany } from '../support/deliver-many.js';
import { sinkExample } from '../support/markdown.js';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { requireServer } from '../support/servers.js';

const there = await requireServer('redis', 6379);
const PAGE = readFileSync(new URL('../../docs/sinks/redis.md', import.meta.url), 'utf8');
const EVENTS = 10_000;

const configOf = (sink: object): object => ({
  server: { port: 0 },
  sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
  sinks: { orders: { ...sink, retry: { initial: '20ms', max: '200ms' } } },
});

describe.skipIf(!there)('the manual’s redis sink', () => {
  let server: OwnRedis;
  let receiver: Receiver | undefined;
  beforeEach(async () => {
    server = await ownRedis();
  });
  afterEach(async () => {
    await receiver?.end('SIGKILL');
    if (receiver !== undefined) await rm(receiver.directory, { recursive: true });
    receiver = undefined;
    await server.dispose();
  });

  it('has every event once and in order, though Redis is killed twice and the receiver once', async () => {
    const config = configOf(sinkExample(PAGE, 'redis-sink'));
    const env = { REDIS_URL: `redis://127.0.0.1:${server.port}` };
    receiver = await startReceiver({ config, env });
    const { directory, url } = receiver;
    const sent = deliverMany(`${url}/in`, EVENTS);
    for (const part of [0.2, 0.5]) {
      await eventually(
        () => server.client.xlen('events:track'),
        (length) => length >= EVENTS * part,
      );
      await server.restart();
    }
    const ids = await sent;
    await receiver.end('SIGKILL');
    receiver = await startReceiver({ config, env, directory });
    await eventually(
      () => server.client.xlen('events:track'),
      (length) => length >= EVENTS,
    );
    expect(await receiver.end()).toBe(0);

    const byUser = new Map<string, string[]>();
    for (const [, fields] of await server.client.xrange('events:track', '-', '+')) {
      const event = JSON.parse(String(fields[fields.indexOf('json') + 1]));
      byUser.set(event.userId, [...(byUser.get(event.userId) ?? []), event.messageId]);
    }
    expect(byUser).toEqual(ids);
  });

  it('says in one line what is wrong, and ends', async () => {
    const config = configOf(sinkExample(PAGE, 'redis-sink'));
    const check = async (url: string) => {
      receiver ??= await startReceiver({ config, env: { REDIS_URL: url } });
      const args = ['check', '--config', 'trackbridge.json', '--connect'];
      return await runCommand(args, { cwd: receiver.directory, env: { REDIS_URL: url } });
    };
    const right = `redis://127.0.0.1:${server.port}`;
    expect(await check(right)).toMatchObject({ code: 0 });
    await server.client.config('SET', 'requirepass', 'a-long-password');
    expect(await check(right)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('NOAUTH'),
    });
    const wrong = await check(right.replace('://', '://:another-password@'));
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('WRONGPASS') });
    expect(wrong.stderr).not.toContain('another-password');
    expect(wrong.stderr.match(/^trackbridge: sink orders: .*$/gm)).toHaveLength(1);
    await server.kill();
    expect(await check(right)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
