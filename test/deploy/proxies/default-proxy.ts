import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { eventually } from '../../support/receiver.js';

/** A proxy with the shortest configuration that passes requests on, and its own default for everything else. */
export interface DefaultProxy {
  readonly url: string;
  close(): Promise<void>;
}

interface Place {
  readonly directory: string;
  readonly port: number;
  readonly receiver: number;
}

/** The command, and the configuration and arguments that it needs. */
const DEFAULTS: Readonly<
  Record<string, (place: Place) => readonly [command: string, text: string, args: string[]]>
> = {
  nginx: ({ directory, port, receiver }) => [
    'nginx',
    `daemon off; user root; pid ${directory}/pid; error_log stderr;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${receiver}; } }
}`,
    ['-p', directory, '-e', 'stderr', '-c', join(directory, 'config')],
  ],
  haproxy: ({ directory, port, receiver }) => [
    'haproxy',
    `defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  server one 127.0.0.1:${receiver}
`,
    ['-db', '-f', join(directory, 'config')],
  ],
  apache: ({ directory, port, receiver }) => [
    'apache2',
    `${['mpm_event', 'authz_core', 'proxy', 'proxy_http'].map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ServerRoot ${directory}
DefaultRuntimeDir ${directory}
PidFile ${directory}/pid
ErrorLog ${directory}/error.log
ServerName localhost
User www-data
Listen 127.0.0.1:${port}
ProxyPass / http://127.0.0.1:${receiver}/
`,
    ['-f', join(directory, 'config'), '-DFOREGROUND'],
  ],
};

export const DEFAULT_PROXIES = Object.keys(DEFAULTS);

/** Starts a proxy in front of the receiver on this port. */
export async function startDefaultProxy(name: string, receiver: number): Promise<DefaultProxy> {
  const configure = DEFAULTS[name];
  if (configure === undefined) throw new TypeError(`no proxy is called ${name}`);
  const directory = mkdtempSync(join(tmpdir(), `trackbridge-default-${name}-`));
  // Apache's processes are of another user.
  chmodSync(directory, 0o755);
  const port = await freePort();
  const [command, text, args] = configure({ directory, port, receiver });
  writeFileSync(join(directory, 'config'), text);
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (data) => {
    output = (output + data).slice(-4_000);
  });
  const exit = once(child, 'exit');
  const ended = exit.then(([code]) => {
    throw new Error(`${name} ended (${code}): ${output}`);
  });
  ended.catch(() => undefined);
  await Promise.race([ended, eventually(() => listens(port), Boolean)]);
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      child.kill('SIGTERM');
      await exit;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
