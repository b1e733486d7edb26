import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';

/** A PostgreSQL server of its own, which a test may stop and start. */
export interface Cluster {
  readonly port: number;
  /** The directory of everything that is the cluster's. */
  readonly directory: string;
  /** `immediate` is a crash: what was not committed is gone, and clients get no goodbye. */
  stop(mode: 'immediate' | 'fast'): Promise<void>;
  start(): Promise<void>;
  restart(mode: 'immediate' | 'fast'): Promise<void>;
  /** Makes a standby the primary. */
  promote(): Promise<void>;
  dispose(): Promise<void>;
}

export interface ClusterOptions {
  /** That of the user `postgres`; left out, everybody is let in. */
  readonly password?: string;
  /** PEM texts; left out, there is no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Where its directory is made; the one for temporary files unless said. */
  readonly parent?: string;
  /** A running cluster: this one is made as its standby, which calls itself `standby`. */
  readonly standbyOf?: Cluster;
  /** The directory of another cluster, which does not run any more or whose power was cut: this one starts on its files. */
  readonly copyOf?: string;
}

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { copyOf, parent = tmpdir(), password, standbyOf, tls } = options;
  const version = readdirSync(INSTALLED).sort().at(-1) ?? '';
  const bin = (name: string): string => join(INSTALLED, version, 'bin', name);
  const directory = copyOf ?? (await mkdtemp(join(parent, 'trackbridge-postgres-')));
  const port = await freePort();
  // The server refuses to run as root, and to read a key that others own.
  const asRoot = process.getuid?.() === 0;
  const own = async (path: string): Promise<void> => {
    if (!asRoot) return;
    const [user, group] = [
      await run('id', ['-u', 'postgres']),
      await run('id', ['-g', 'postgres']),
    ];
    await chown(path, Number(user.stdout), Number(group.stdout));
  };
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, text, { mode: 0o600 });
    await own(path);
    return path;
  };
  await own(directory);
  const call = async (name: string, ...args: string[]): Promise<void> => {
    const command = [bin(name), ...args];
    if (asRoot) command.unshift('runuser', '-u', 'postgres', '--');
    const [file = '', ...rest] = command;
    await run(file, rest, { cwd: directory });
  };
  const data = join(directory, 'data');
  const access =
    password === undefined
      ? ['-A', 'trust']
      : ['-A', 'scram-sha-256', '--pwfile', await write('password', password)];
  if (standbyOf !== undefined) {
    const from = `host=127.0.0.1 port=${standbyOf.port} user=postgres application_name=standby`;
    await call('pg_basebackup', '-D', data, '-R', '-X', 'stream', '-c', 'fast', '-d', from);
  } else if (copyOf === undefined) {
    await call('initdb', '-D', data, ...access, '-U', 'postgres', '-E', 'UTF8', '--no-sync');
  } else {
    // It belongs to a process of the machine whose power was cut.
    await rm(join(data, 'postmaster.pid'), { force: true });
  }
  const log = join(directory, 'log');
  let settings = `-p ${port} -c listen_addresses=127.0.0.1 -k ${directory}`;
  if (tls) {
    const [cert, key] = [await write('cert.pem', tls.cert), await write('key.pem', tls.key)];
    settings += ` -c ssl=on -c ssl_cert_file=${cert} -c ssl_key_file=${key}`;
  }
  const control = (...args: string[]): Promise<void> =>
    call('pg_ctl', '-D', data, '-w', '-t', '120', ...args);
  const start = (): Promise<void> => control('-l', log, '-o', settings, 'start');
  await start();
  return {
    port,
    directory,
    start,
    stop: (mode) => control('-m', mode, 'stop'),
    restart: (mode) => control('-l', log, '-m', mode, 'restart'),
    promote: () => control('promote'),
    async dispose() {
      await control('-m', 'immediate', 'stop').catch((error: unknown) => {
        if (existsSync(join(data, 'postmaster.pid'))) throw error;
      });
      await rm(directory, { recursive: true, force: true });
    },
  };
}
