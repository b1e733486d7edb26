import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';
import { eventually } from './receiver.js';

// The scripts in the path change to the user rabbitmq and to the machine's own node.
const LIBRARY = '/usr/lib/rabbitmq/lib';

/** A RabbitMQ of a test's own, which it may crash, restart and starve. */
export interface RabbitNode {
  readonly port: number;
  /** Kills it, and resolves when it takes connections again, with what was on its disk. */
  crash(): Promise<void>;
  /** Runs `rabbitmqctl` against it. */
  control(...args: string[]): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Whether RabbitMQ is installed so that another one can be started. Without it a run of CI fails, and any other says so and
 * leaves the tests out.
 */
export function hasRabbitNode(): boolean {
  if (existsSync(LIBRARY) && scripts() !== undefined) return true;
  const missing =
    'rabbitmq-server is not installed where Debian has it: apt-get install rabbitmq-server';
  if (process.env['CI']) throw new Error(missing);
  // biome-ignore lint/suspicious/noConsole: the one who runs the tests is told
  console.warn(`SKIPPED: ${missing}`);
  return false;
}

/**
 * Starts one; takes about four seconds. It takes messages of up to 2 MB, and beside `guest` a user `reader` (password
 * `reader`), who may read everything and write nothing.
 */
export async function startRabbitNode(): Promise<RabbitNode> {
  const home = await mkdtemp(join(tmpdir(), 'trackbridge-rabbitmq-'));
  const [port, distribution] = [await freePort(), await freePort()];
  const config = join(home, 'rabbitmq.conf');
  const definitions = join(home, 'definitions.json');
  await writeFile(definitions, JSON.stringify(DEFINITIONS()));
  await writeFile(
    config,
    `listeners.tcp.1 = 127.0.0.1:${port}\nmax_message_size = 2000000\nload_definitions = ${definitions}\n`,
  );
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    RABBITMQ_NODENAME: `trackbridge-${randomUUID().slice(0, 8)}@localhost`,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(home, 'data'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'plugins'),
  };
  const script = (name: string): string => join(scripts() ?? '', name);

  async function run(): Promise<() => Promise<void>> {
    // A group of its own: the script, the machine of Erlang, and what that starts.
    const child = spawn(script('rabbitmq-server'), { env, stdio: 'ignore', detached: true });
    const exit = once(child, 'exit');
    await eventually(() => listens(port), Boolean, 100_000);
    return async () => {
      process.kill(-Number(child.pid), 'SIGKILL');
      await exit;
      await eventually(
        () => listens(port),
        (answer) => !answer,
      );
    };
  }

  let kill = await run();
  return {
    port,
    async crash() {
      await kill();
      kill = await run();
    },
    async control(...args) {
      await promisify(execFile)(script('rabbitmqctl'), args, { env });
    },
    async dispose() {
      await kill();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function scripts(): string | undefined {
  const version = readdirSync(LIBRARY).find((name) => name.startsWith('rabbitmq_server-'));
  return version === undefined ? undefined : join(LIBRARY, version, 'sbin');
}

const DEFINITIONS = (): object => ({
  users: [user('guest', 'administrator'), user('reader', '')],
  vhosts: [{ name: '/' }],
  permissions: [
    { user: 'guest', vhost: '/', configure: '.*', write: '.*', read: '.*' },
    { user: 'reader', vhost: '/', configure: '', write: '', read: '.*' },
  ],
});

function user(name: string, tags: string): object {
  const salt = randomBytes(4);
  const hash = createHash('sha256').update(salt).update(name).digest();
  const password = Buffer.concat([salt, hash]).toString('base64');
  const hashing_algorithm = 'rabbit_password_hashing_sha256';
  return { name, tags, password_hash: password, hashing_algorithm };
}

/** Whether it takes connections, and answers on them: the port is open before AMQP is. */
async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write('AMQP\0\0\x09\x01'));
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once('data', () => end(true))
      .once('error', () => end(false))
      .once('close', () => end(false));
  });
}
