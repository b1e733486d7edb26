import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { ROOT } from '../../support/manual.js';
import { eventually } from '../../support/receiver.js';

export const EVENTS_HOST = 'events.example.com';
export const INSPECTOR_HOST = 'inspector.example.com';

/** A real proxy with the configuration in `deploy`, in which only names, paths and ports are replaced. */
export interface ReverseProxy {
  readonly port: number;
  /** PEM text of the certificate, which it signed itself. */
  readonly ca: string;
  close(): Promise<void>;
}

interface Setup {
  readonly directory: string;
  readonly port: number;
  /** The ports of the receivers. */
  readonly receivers: readonly number[];
  readonly admin: number;
}

interface Program {
  readonly command: string;
  readonly file: string;
  /** Changes the file for the test, writes what else the program needs, and returns its arguments. */
  configure(text: string, setup: Setup): readonly string[];
}

/** The line of a configuration that names the receiver, once for each receiver. */
function forEach(text: string, line: RegExp, receivers: readonly number[]): string {
  return text.replace(line, (found) =>
    receivers
      .map((port, at) => found.replace('8080', String(port)).replace(' one ', ` r${at} `))
      .join('\n'),
  );
}

function write(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

export const PROGRAMS: Readonly<Record<string, Program>> = {
  nginx: {
    command: 'nginx',
    file: 'deploy/nginx/trackbridge.conf',
    configure(text, { admin, directory, port, receivers }) {
      const site = forEach(text, /^ *server 127\.0\.0\.1:8080.*;$/m, receivers)
        .replaceAll('listen 443', `listen 127.0.0.1:${port}`)
        .replaceAll('127.0.0.1:8081', `127.0.0.1:${admin}`);
      write(directory, 'site.conf', site);
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${directory}/${name};`)
        .join(' ');
      const main = write(
        directory,
        'nginx.conf',
        `daemon off; user root; pid ${directory}/pid; error_log stderr;
events { worker_connections 512; }
http { access_log off; ${temporary} include ${directory}/site.conf; }`,
      );
      return ['-p', directory, '-e', 'stderr', '-c', main];
    },
  },
  haproxy: {
    command: 'haproxy',
    file: 'deploy/haproxy/haproxy.cfg',
    configure(text, { admin, directory, port, receivers }) {
      const config = forEach(text, /^ *server one 127\.0\.0\.1:8080.*$/m, receivers)
        .replace('bind :443', `bind 127.0.0.1:${port}`)
        .replace('127.0.0.1:8081', `127.0.0.1:${admin}`);
      return ['-db', '-f', write(directory, 'haproxy.cfg', config)];
    },
  },
  caddy: {
    command: 'caddy',
    file: 'deploy/caddy/Caddyfile',
    configure(text, { admin, directory, port, receivers }) {
      const site = text
        .replace(/\{\$RECEIVERS:.*?\}/, receivers.map((each) => `127.0.0.1:${each}`).join(' '))
        .replace(/\{\$INSPECTOR:.*?\}/, `127.0.0.1:${admin}`)
        .replace(
          /^\{\$\w+:(\S+\.example\.com)\} \{$/gm,
          `https://$1:${port} {\n\ttls ${directory}/fullchain.pem ${directory}/privkey.pem`,
        );
      const options = '{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n';
      const path = write(directory, 'Caddyfile', options + site);
      return ['run', '--adapter', 'caddyfile', '--config', path];
    },
  },
  apache: {
    command: 'apache2',
    file: 'deploy/apache/trackbridge.conf',
    configure(text, { admin, directory, port, receivers: [receiver = 0] }) {
      const modules = [
        ...['mpm_event', 'authz_core', 'socache_shmcb', 'ssl', 'http2', 'headers', 'proxy'],
        ...['proxy_http', 'reqtimeout'],
      ];
      const site = text
        .replaceAll('*:443', `*:${port}`)
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${receiver}`)
        .replaceAll('127.0.0.1:8081', `127.0.0.1:${admin}`);
      const main = [
        ...modules.map(
          (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
        ),
        `ServerRoot ${directory}`,
        `DefaultRuntimeDir ${directory}`,
        `PidFile ${directory}/pid`,
        `ErrorLog ${directory}/error.log`,
        `ServerName localhost`,
        'User www-data',
        `Listen 127.0.0.1:${port}`,
        site,
      ];
      return ['-f', write(directory, 'apache.conf', main.join('\n')), '-DFOREGROUND'];
    },
  },
};

/** Whether the program of a proxy is installed. */
export function isInstalled(name: string): boolean {
  const { command = '' } = PROGRAMS[name] ?? {};
  return spawnSync('which', [command]).status === 0;
}

/** Starts a proxy in front of receivers and one admin listener. */
export async function startProxy(
  name: string,
  receivers: readonly number[],
  admin: number,
): Promise<ReverseProxy> {
  const program = PROGRAMS[name];
  if (program === undefined) throw new TypeError(`no proxy is called ${name}`);
  const directory = mkdtempSync(join(tmpdir(), `trackbridge-${name}-`));
  // Apache's processes are of another user.
  chmodSync(directory, 0o755);
  const ca = certify(directory);
  const port = await freePort();
  const text = readFileSync(join(ROOT, program.file), 'utf8').replaceAll(
    '/etc/ssl/trackbridge',
    directory,
  );
  const args = program.configure(text, { directory, port, receivers, admin });
  const child = spawn(program.command, args, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output = (output + data).slice(-4_000);
    });
  }
  const exit = once(child, 'exit');
  const ended = exit.then(([code]) => {
    throw new Error(`${name} ended (${code}): ${output}`);
  });
  ended.catch(() => undefined);
  await Promise.race([ended, eventually(() => listens(port), Boolean)]);
  return {
    port,
    ca,
    async close() {
      child.kill('SIGTERM');
      await exit;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Makes a certificate for both names, in the files that the configurations name. Returns it. */
function certify(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const [key, cert] = [join(directory, 'privkey.pem'), join(directory, 'fullchain.pem')];
  const names = `subjectAltName=DNS:${EVENTS_HOST},DNS:${INSPECTOR_HOST}`;
  const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${EVENTS_HOST}`, '-addext', names];
  execFileSync('openssl', [...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const ca = readFileSync(cert, 'utf8');
  writeFileSync(join(directory, 'bundle.pem'), ca + readFileSync(key, 'utf8'));
  return ca;
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
