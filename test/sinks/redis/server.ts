import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../support/free-port.js';
import { eventually } from '../../support/receiver.js';

/** A Redis server of a test's own, which it may restart, fill and misconfigure. */
export interface OwnRedis {
  readonly port: number;
  readonly client: Redis;
  /** Ends it as a power cut would, and starts it again on its data. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its data. */
  dispose(): Promise<void>;
}

/** Starts a server that has every write on the disk before it answers. */
export async function ownRedis(options: readonly string[] = []): Promise<OwnRedis> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'trackbridge-redis-'));
  const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => 20 });
  client.on('error', () => {});
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    child = undefined;
  };
  const start = async (): Promise<void> => {
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
    const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
    child = spawn('redis-server', [...place, ...durable, ...options], { stdio: 'ignore' });
    await eventually(
      () => client.ping().catch(String),
      (answer) => answer === 'PONG',
    );
  };
  await start();
  return {
    port,
    client,
    kill,
    start,
    async restart() {
      await kill();
      await start();
    },
    async dispose() {
      client.disconnect();
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
