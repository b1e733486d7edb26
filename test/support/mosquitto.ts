import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { freePort } from './free-port.js';
import { eventually } from './receiver.js';

/** A Mosquitto of a test's own, which keeps its sessions over a restart. */
export interface Mosquitto {
  readonly port: number;
  readonly directory: string;
  /** Ends it as a service manager does. */
  stop(): Promise<void>;
  /** Starts it again, on the same port and data. */
  start(): Promise<void>;
  /** Stops it and removes what it wrote. */
  dispose(): Promise<void>;
}

/** `lines` are added to its configuration; in them `DIR` is its directory, where `files` are written before. */
export async function startMosquitto(
  lines: readonly string[] = ['allow_anonymous true'],
  files: Readonly<Record<string, string>> = {},
): Promise<Mosquitto> {
  const directory = await mkdtemp(join(tmpdir(), 'mosquitto-'));
  const port = await freePort();
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const config = [
    // As root it would become a user who may not write here.
    'user root',
    'persistence true',
    `persistence_location ${directory}/`,
    'log_dest none',
    // 0, which is any number, has this version end the connection after each refusal.
    'max_queued_messages 100000',
    `listener ${port} 127.0.0.1`,
    ...lines.map((line) => line.replaceAll('DIR', directory)),
  ];
  await writeFile(join(directory, 'mosquitto.conf'), `${config.join('\n')}\n`);
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn('mosquitto', ['-c', join(directory, 'mosquitto.conf')], { stdio: 'ignore' });
    await eventually(() => isOpen(port), Boolean);
  };
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  };
  await start();
  return {
    port,
    directory,
    start,
    stop,
    async dispose() {
      await stop();
      await rm(directory, { recursive: true });
    },
  };
}

/** A subscriber, and all that has reached it. */
export interface Listener {
  /** What has been published to its topics so far: everything acknowledged before the call. */
  received(): Promise<readonly Received[]>;
  close(): Promise<void>;
}

interface Received {
  readonly topic: string;
  readonly text: string;
  readonly contentType: string | undefined;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Listens to everything below `prefix`, with a session that outlives connections. */
export async function listenTo(
  port: number,
  prefix: string,
  user: { readonly username?: string; readonly password?: string } = {},
): Promise<Listener> {
  const all: Received[] = [];
  const marks = new Set<string>();
  const mark = `${prefix}/mark`;
  const client: MqttClient = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    ...user,
    protocolVersion: 5,
    clientId: `listener-${prefix.replaceAll('/', '-')}`,
    clean: false,
    properties: { sessionExpiryInterval: 60 },
    reconnectPeriod: 20,
  });
  client.on('error', () => {});
  client.on('message', (topic, payload, { properties }) => {
    if (topic === mark) {
      marks.add(String(payload));
      return;
    }
    all.push({
      topic,
      text: payload.toString('utf8'),
      contentType: properties?.contentType,
      properties: { ...properties?.userProperties },
    });
  });
  await client.subscribeAsync(`${prefix}/#`, { qos: 1 });
  return {
    // A broker hands on what it has taken in order: when the mark is here, what was published before it is too.
    async received() {
      const id = crypto.randomUUID();
      await client.publishAsync(mark, id, { qos: 1 });
      await eventually(() => marks.has(id), Boolean);
      return [...all];
    },
    async close() {
      await client.endAsync(true);
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
