import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { eventually } from '../../support/receiver.js';

/** A NATS server of a test's own with JetStream, which it may restart and configure. */
export interface OwnNats {
  readonly port: number;
  readonly url: string;
  /** Ends it as a power cut would, and starts it again on its data. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its data. */
  dispose(): Promise<void>;
}

/** Starts a server; `config` is added to its configuration file. */
export async function ownNats(config = ''): Promise<OwnNats> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'trackbridge-nats-'));
  const file = join(directory, 'nats.conf');
  const store = join(directory, 'jetstream');
  await writeFile(
    file,
    `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${store}" }\n${config}\n`,
  );
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    child = undefined;
  };
  const start = async (): Promise<void> => {
    child = spawn('nats-server', ['--config', file], { stdio: 'ignore' });
    await eventually(
      () => listens(port),
      (answer) => answer,
    );
  };
  await start();
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    kill,
    start,
    async restart() {
      await kill();
      await start();
    },
    async dispose() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  const there = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return there;
}
