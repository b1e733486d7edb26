import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DCLinter } from 'dclint';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../support/manual.js';
import { runInProcess } from '../../support/program.js';
import {
  COMPOSE,
  compose,
  environmentOf,
  example,
  members,
  readText,
  variablesOf,
} from './compose.js';

const CONFIG = 'deploy/compose/trackbridge.yaml';
const { services } = compose;
const all = Object.entries(services);
/** Those that keep running. `volumes` gives away two directories, and ends. */
const running = all.filter(([name]) => name !== 'volumes');

/** What the linter finds in a file; its own types cannot be resolved from a module. */
interface Linted {
  readonly messages: readonly { readonly rule: string; readonly message: string }[];
}

describe('the compose file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-compose-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  /** What the Compose Specification's schema has against a text. */
  const schemaErrors = (text: string): readonly string[] => {
    const path = join(directory, 'compose.yaml');
    writeFileSync(path, text);
    const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] });
    const results: readonly Linted[] = linter.lintFiles([path], false);
    return results
      .flatMap(({ messages }) => messages)
      .filter(({ rule }) => /schema|yaml/.test(rule))
      .map(({ message }) => message);
  };

  it('is valid by the schema of the Compose Specification', () => {
    expect(schemaErrors(readText(COMPOSE))).toEqual([]);
  });

  it('would not be valid with a misspelled setting', () => {
    const text = readText(COMPOSE).replace('stop_grace_period', 'stop_grace_perod');
    expect(schemaErrors(text)).not.toEqual([]);
  });

  it('has two receivers behind a proxy, two dispatchers and a store', () => {
    const roles = members.map(([, { command }]) => command?.at(-1));
    expect(roles.toSorted()).toEqual(['dispatch', 'dispatch', 'receive', 'receive']);
    expect(Object.keys(services)).toEqual(expect.arrayContaining(['proxy', 'postgres']));
  });

  it.each(running)('restarts %s, checks its health, and gives it few rights', (_, service) => {
    const { cap_drop, healthcheck, read_only, restart, user } = service;
    expect({ cap_drop, read_only, restart }).toEqual({
      cap_drop: ['ALL'],
      read_only: true,
      restart: 'unless-stopped',
    });
    expect(user).toMatch(/^(node|postgres|[1-9]\d*:[1-9]\d*)$/);
    expect(healthcheck?.test[0]).toBe('CMD');
  });

  it('runs members as the user of the image, and gives them longer than the drain takes', () => {
    expect(members).toHaveLength(4);
    for (const [, { build, stop_grace_period, user }] of members) {
      const dockerfile = readText(join('deploy', build?.context ?? '', 'Dockerfile'));
      expect(dockerfile).toContain(`\nUSER ${user}\n`);
      expect(Number.parseInt(stop_grace_period ?? '', 10)).toBeGreaterThan(10);
    }
  });

  it('mounts files and volumes that there are, joins networks and waits for services that there are', () => {
    for (const [name, { depends_on = {}, networks = [], volumes = [] }] of all) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        const isFile = source.startsWith('./');
        const exists = isFile
          ? existsSync(join(ROOT, 'deploy', source))
          : source in compose.volumes;
        expect(exists, `${name}: ${source}`).toBe(true);
      }
      for (const network of networks) expect(Object.keys(compose.networks)).toContain(network);
      for (const other of Object.keys(depends_on)) expect(Object.keys(services)).toContain(other);
    }
  });

  it('is described, like the manifests, with files that there are', () => {
    const named = [...readText('docs/many-machines.md').matchAll(/\bdeploy\/[\w./-]*\w/g)];
    expect(named.length).toBeGreaterThan(5);
    for (const [path] of named) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  it('asks for exactly the variables of the example', () => {
    const asked = [...readText(COMPOSE).matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name);
    expect(new Set(asked)).toEqual(new Set(Object.keys(example)));
  });

  it('gives members exactly the variables that their configuration names, and the configuration is valid', async () => {
    for (const [, member] of members) {
      const env = environmentOf(member);
      expect(new Set(Object.keys(env))).toEqual(new Set(variablesOf(readText(CONFIG))));
      expect(env['DATABASE_URL']).toBe(
        'postgresql://trackbridge:change-me@postgres:5432/trackbridge',
      );
      const { code, stderr } = await runInProcess(['check', '--config', join(ROOT, CONFIG)], {
        env,
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });

  const isMissing = spawnSync('which', ['caddy']).status !== 0;
  it.skipIf(isMissing && process.env['CI'] === undefined)(
    'points the proxy at the listeners of its members',
    () => {
      const env = environmentOf(services['proxy'] ?? { image: '' });
      const { stdout, stderr } = spawnSync(
        'caddy',
        ['adapt', '--adapter', 'caddyfile', '--config', 'deploy/caddy/Caddyfile'],
        { cwd: ROOT, encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } },
      );
      const dials = [...stdout.matchAll(/"dial":"([^"]+)"/g)].map(([, dial]) => dial);
      const receivers = members
        .filter(([, { command }]) => command?.at(-1) === 'receive')
        .map(([name]) => `${name}:8080`);
      expect(dials.toSorted(), stderr).toEqual([...receivers, 'receiver-1:8081'].toSorted());
      expect(stdout).toContain(`"host":["${env['EVENTS_HOST']}"]`);
      expect(stdout).toContain(`"host":["${env['INSPECTOR_HOST']}"]`);
    },
  );
});
