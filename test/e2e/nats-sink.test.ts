import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OwnNats, ownNats } from '../sinks/nats/server.js';
import { deliverMany } from '../support/deliver-many.js';
import { sinkExample } from '../support/markdown.js';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { requireServer } from '../support/servers.js';

const there = await requireServer('nats', 4222);
const PAGE = readFileSync(new URL('../../docs/sinks/nats.md', import.meta.url), 'utf8');
const EVENTS = 10_000;
const STREAM = 'EVENTS';

const config = {
  server: { port: 0 },
  sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
  sinks: {
    orders: {
      ...sinkExample(PAGE, 'nats-sink'),
      retry: { initial: '20ms', max: '200ms' },
    },
  },
};

describe.skipIf(!there)('the manual’s nats sink', () => {
  let server: OwnNats;
  let receiver: Receiver | undefined;
  beforeEach(async () => {
    server = await ownNats();
  });
  afterEach(async () => {
    await receiver?.end('SIGKILL');
    if (receiver !== undefined) await rm(receiver.directory, { recursive: true });
    receiver = undefined;
    await server.dispose();
  });

  /** Asks the server over a connection of its own, since it is killed now and then. */
  async function ask<T>(what: (connection: NatsConnection) => Promise<T>): Promise<T | undefined> {
    const options = { servers: server.url, reconnect: false, timeout: 2_000 };
    const connection = await connect(options).catch(() => undefined);
    if (connection === undefined) return undefined;
    try {
      return await what(connection);
    } catch {
      return undefined;
    } finally {
      await connection.close();
    }
  }
  const count = async (): Promise<number> => {
    const info = await ask(async (connection) =>
      (await jetstreamManager(connection)).streams.info(STREAM),
    );
    return info?.state.messages ?? 0;
  };

  it('has every event once and in order, though NATS is killed twice and the receiver once', async () => {
    const env = { NATS_URL: server.url };
    receiver = await startReceiver({ config, env });
    const { directory, url } = receiver;
    const sent = deliverMany(`${url}/in`, EVENTS);
    for (const part of [0.2, 0.5]) {
      await eventually(count, (stored) => stored >= EVENTS * part);
      await server.restart();
    }
    const ids = await sent;
    await receiver.end('SIGKILL');
    receiver = await startReceiver({ config, env, directory });
    await eventually(count, (stored) => stored >= EVENTS);
    expect(await receiver.end()).toBe(0);

    const byUser = new Map<string, string[]>();
    await ask(async (connection) => {
      const manager = await jetstreamManager(connection);
      const consumer = await manager.jetstream().consumers.get(STREAM);
      const messages = await consumer.fetch({ max_messages: EVENTS + 1, expires: 3_000 });
      for await (const message of messages) {
        const { userId, messageId } = message.json<{ userId: string; messageId: string }>();
        byUser.set(userId, [...(byUser.get(userId) ?? []), messageId]);
        if (message.info.pending === 0) break;
      }
    });
    expect(byUser).toEqual(ids);
    expect(await count()).toBe(EVENTS);
  });

  it('says in one line what is wrong, and ends', async () => {
    receiver = await startReceiver({ config, env: { NATS_URL: server.url } });
    const { directory } = receiver;
    const check = () =>
      runCommand(['check', '--config', 'trackbridge.json', '--connect'], {
        cwd: directory,
        env: { NATS_URL: server.url },
      });
    expect(await check()).toMatchObject({ code: 0 });
    await server.kill();
    const { code, stderr } = await check();
    expect(code).toBe(1);
    expect(stderr.match(/^trackbridge: sink orders: .*ECONNREFUSED.*$/gm)).toHaveLength(1);
  });
});
