import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sinkTypes } from '../src/sinks/registry.js';
import { schemaValidator } from './schemas/validator.js';
import { codeIn, fence, fencesOf, sinkExample } from './support/markdown.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  runCommand,
  startReceiver,
} from './support/receiver.js';
import { deliverSegment, trackText } from './support/sender.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const PATH = process.env['PATH'] ?? '';

/** The examples are for a POSIX shell; a machine without one of these runs everything else. */
const hasShell = ['bash', 'curl', 'openssl', 'sed'].every((tool) =>
  PATH.split(delimiter).some((directory) => existsSync(join(directory, tool))),
);

/** The environment that the block `sh start` sets before its command. */
function startOf(text: string): { env: Record<string, string>; command: string } {
  const words = text.trim().split(/\s+/);
  const assignments = words.filter((word) => /^[A-Z_]+=/.test(word));
  return {
    env: Object.fromEntries(assignments.map((word) => word.split('=') as [string, string])),
    command: words.filter((word) => !assignments.includes(word)).join(' '),
  };
}

async function shell(script: string): Promise<string> {
  const child = spawn('bash', ['-c', script], {
    env: { PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  await once(child, 'close');
  return out.trim();
}

/** A configuration of `more` beside one open source, written as the README writes it. */
const OPEN = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };

describe.runIf(hasShell)('the README’s first delivery', () => {
  let receiver: Receiver;
  const start = startOf(fence(README, 'sh', 'start'));
  const fences = fencesOf(README);
  const deliveries = fences.flatMap(({ language, use, text }, index) =>
    language === 'sh' && use === 'delivery' ? [{ script: text, answer: fences[index + 1] }] : [],
  );
  const first = String(deliveries[0]?.script);
  const here = (script: string): string =>
    script.replaceAll('127.0.0.1:8080', new URL(receiver.url).host);
  const inFile = (count: number): Promise<Record<string, unknown>[]> =>
    eventually(
      () => readEvents(join(receiver.directory, 'data/events.ndjson')),
      (all) => all.length >= count,
    );

  beforeAll(async () => {
    receiver = await startReceiver({ env: { ...start.env, PORT: '0' } });
  });
  afterAll(async () => {
    await receiver.end();
  });

  it('starts what npm start starts', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(start.command).toBe('npm start');
    expect(scripts.start).toMatch(/node dist\/cli\.js serve$/);
  });

  it('is answered as printed, for either vendor', async () => {
    expect(deliveries).toHaveLength(2);
    for (const { script, answer } of deliveries) {
      expect(script).toContain('127.0.0.1:8080');
      expect(answer).toMatchObject({ language: 'json', use: 'answer' });
      expect(await shell(here(script))).toBe(answer?.text.trim());
    }
  });

  it('reaches the file in the canonical form that the README prints', async () => {
    const [signed, get] = await inFile(2);
    const example = JSON.parse(fence(README, 'json', 'event'));
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(signed).toEqual({
      ...example,
      timestamp: time,
      receivedAt: time,
      receipt: { ...example.receipt, receivedAt: time, deliveryId: expect.any(String) },
    });
    expect(get).toMatchObject({
      type: 'track',
      event: 'Order Completed',
      properties: { order_id: 'o-1', products: [{ price: 18.99 }], revenue: 1_200_000 },
    });
  });

  it('is one line on the terminal', async () => {
    const text = await eventually(receiver.stdout, (all) => all.includes('m-1'));
    const lines = text.split('\n').filter((line) => line.includes('m-1'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Order Completed');
  });

  it('is a duplicate when it is sent again', async () => {
    expect(JSON.parse(await shell(here(first)))).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  it('is a 401 with the reason when a byte of the body is changed', async () => {
    const changed = first.replace('-d "$body"', '-d "$body "');
    expect(changed).not.toBe(first);
    expect(JSON.parse(await shell(here(changed)))).toMatchObject({
      status: 401,
      detail: expect.stringContaining('x-signature'),
    });
  });
});

describe('the README’s configurations', () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await makeDirectory();
  });
  const check = async (text: string, env: Readonly<Record<string, string>>) => {
    await writeFile(join(cwd, 'trackbridge.yaml'), text);
    return await runCommand(['check', '--config', 'trackbridge.yaml', '--json'], { cwd, env });
  };
  const ENV = {
    SEGMENT_SHARED_SECRET: 'a-long-enough-secret',
    RUDDERSTACK_SHARED_SECRET: 'another-long-enough-one',
    TRACKBRIDGE_ADMIN_TOKEN: 'a-long-enough-token',
    WEBHOOK_TOKEN: 'the-second-factor-of-it',
    HOOK_TOKEN: 'what-the-hook-asks-for',
    HOOK_SECRET: 'what-the-hook-checks-by',
  };

  it('hold: the sample is what an empty file means, but for admin and orders', async () => {
    const sample = await check(fence(README, 'yaml', 'config'), ENV);
    expect(sample).toMatchObject({ code: 0, stderr: '' });
    const { config } = JSON.parse(sample.stdout);
    expect(config.admin).toBeDefined();
    expect(config.sinks.orders).toBeDefined();
    const empty = await check('{}\n', ENV);
    const defaults = JSON.parse(empty.stdout).config;
    const { admin: _, sinks, ...rest } = config;
    const { orders: __, ...otherSinks } = sinks;
    expect({ ...rest, sinks: otherSinks }).toEqual(defaults);
  });

  it('show the defaults of the admin section and of every sink', async () => {
    const explicit = parse(fence(README, 'yaml', 'config'));
    const { admin, sinks } = explicit;
    const { batch: _, lanes: __, retry: ___, ...bare } = sinks.orders;
    const left = { ...explicit, admin: { token: admin.token }, sinks: { ...sinks, orders: bare } };
    const [all, less] = [
      await check(JSON.stringify(explicit), ENV),
      await check(JSON.stringify(left), ENV),
    ];
    expect(JSON.parse(all.stdout)).toEqual(JSON.parse(less.stdout));
  });

  it('hold where operators show a JSON Web Token', async () => {
    const { code, stdout } = await check(fence(README, 'yaml', 'admin'), ENV);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).config.admin.jwt.algorithms).toEqual(['RS256']);
  });

  it('hold where they add a second factor', async () => {
    const source = { type: 'segment', ...parse(fence(README, 'yaml', 'verify')) };
    const { code, stdout } = await check(JSON.stringify({ sources: { in: source } }), ENV);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).config.sources.in.verify).toHaveLength(2);
  });

  it('hold where they take what SDKs send', async () => {
    const env = { WEB_WRITE_KEY: 'the-key-of-the-web', SERVER_WRITE_KEY: 'the-key-of-servers' };
    const { code, stdout } = await check(fence(README, 'yaml', 'sdk'), env);
    expect(code).toBe(0);
    expect(stdout).not.toContain('the-key-of');
    expect(JSON.parse(stdout).config.sources.sdk.writeKeys).toHaveLength(2);
  });

  it('hold where they give access tokens', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { code, stdout, stderr } = await check(fence(README, 'yaml', 'oauth'), {
      SERVER_WRITE_KEY: 'the-key-of-servers',
      OAUTH_SECRET: 'a-secret-of-thirty-two-bytes-000',
      CLIENT_PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('thirty-two');
    expect(JSON.parse(stdout).config.sources.sdk.oauth.lifetime).toBe(86_400_000);
  });

  it('hold where they take webhooks of anything', async () => {
    const { code, stdout } = await check(fence(README, 'yaml', 'hooks'), {
      CRM_WRITE_KEY: 'the-key-of-the-crm',
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).config.sources.hooks.path).toBe('/');
  });

  it.each(['to-rudderstack', 'both', 'to-segment'])('hold where they move: %s', async (name) => {
    const env = {
      ...ENV,
      SEGMENT_WRITE_KEY: 'the-key-at-segment',
      RUDDERSTACK_WRITE_KEY: 'the-key-at-rudderstack',
      HOOK_WRITE_KEY: 'the-key-of-the-hooks',
    };
    expect(await check(fence(README, 'yaml', name), env)).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('the README’s sinks', () => {
  const uses = fencesOf(README)
    .filter(({ language, use }) => language === 'yaml' && /(?:^|-)sink$/.test(use))
    .map(({ use }) => use);

  it('are examples of every sink that connects to something', () => {
    const types = uses.map((use) => sinkExample(README, use)['type']);
    const others = new Set(['file', 'stdout']);
    expect(new Set(types)).toEqual(
      new Set([...sinkTypes.keys()].filter((type) => !others.has(type))),
    );
  });

  it.each(uses)('are whole configurations: %s', async (use) => {
    const cwd = await makeDirectory();
    const text = fence(README, 'yaml', use);
    await writeFile(join(cwd, 'trackbridge.yaml'), text);
    await writeFile(join(cwd, 'my-sink.mjs'), fence(README, 'js', 'my-sink.mjs'));
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => String(name));
    const env = {
      ...Object.fromEntries(names.map((name) => [name, 'a-value-of-it'])),
      SEGMENT_PRIVATE_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      REDIS_URL: 'redis://127.0.0.1',
      NATS_URL: 'nats://127.0.0.1',
    };
    const checked = await runCommand(['check', '--config', 'trackbridge.yaml'], { cwd, env });
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    await rm(cwd, { recursive: true });
  });
});

describe('the README’s event', () => {
  it('is what the published schema describes', () => {
    expect(schemaValidator()(JSON.parse(fence(README, 'json', 'event')))).toEqual([]);
  });
});

describe('the README’s code', () => {
  let end: (() => unknown) | undefined;
  afterEach(async () => {
    await end?.();
    end = undefined;
  });

  it('is a sink that takes events', async () => {
    const directory = await makeDirectory();
    await writeFile(join(directory, 'my-sink.mjs'), fence(README, 'js', 'my-sink.mjs'));
    const own = { ...sinkExample(README, 'own-sink'), batch: { wait: '1ms' } };
    const receiver = await startReceiver({
      directory,
      config: { server: { port: 0 }, sources: OPEN, sinks: { own } },
    });
    end = () => receiver.end('SIGKILL');
    await fetch(`${receiver.url}/in`, { method: 'POST', body: trackText('m-1') });
    const seen = join(directory, 'seen.txt');
    const text = await eventually(
      () => readFile(seen, 'utf8').catch(() => ''),
      (all) => all.endsWith('\n'),
    );
    expect(text).toBe('track m-1\n');
  });

  it('is a receiver inside a program of one’s own', async () => {
    const directory = await makeDirectory();
    await mkdir(join(directory, 'node_modules'));
    await symlink(ROOT, join(directory, 'node_modules/trackbridge'), 'junction');
    const script = [
      fence(README, 'js', 'library'),
      "server.once('listening', () => console.log(server.address().port));",
      "process.once('SIGTERM', () => { server.close(); server.closeAllConnections(); void trackbridge.stop(); });",
    ].join('\n');
    await writeFile(join(directory, 'index.mjs'), script);
    const child = spawn(process.execPath, ['index.mjs'], {
      cwd: directory,
      env: { PATH, SECRET: 'a-long-enough-secret' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    end = () => child.kill('SIGKILL');
    const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const url = `http://127.0.0.1:${Number(port)}/segment`;
    expect((await deliverSegment(url, trackText('m-1'), 'a-long-enough-secret')).status).toBe(200);
    expect((await deliverSegment(url, trackText('m-2'), 'not-the-secret-of-it')).status).toBe(401);
    const events = await eventually(
      () => readEvents(join(directory, 'data/events.ndjson')),
      (all) => all.length > 0,
    );
    expect(events).toMatchObject([{ messageId: 'm-1', receipt: { authenticated: true } }]);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await exit)[0]).toBe(0);
  });
});

describe('the README’s commands', { timeout: 120_000 }, () => {
  const rows = README.split('\n').filter((line) => line.startsWith('| `trackbridge '));
  /** `trackbridge quarantine list`, `show` … in one row: the command, and the subcommands named beside it. */
  const groups = rows.map((row) => {
    const [command, ...more] = codeIn(String(row.split('|')[1]));
    const [, name = '', subcommand] = String(command).split(' ');
    return { name, subcommands: subcommand === undefined ? [] : [subcommand, ...more] };
  });
  const cache = new Map<string, Promise<string>>();
  /** What `--help` prints; asked once each, since starting a process is what takes the time here. */
  const help = async (...words: string[]): Promise<string> => {
    const known = cache.get(words.join(' '));
    const text = known ?? runCommand([...words, '--help']).then(({ stdout }) => stdout);
    cache.set(words.join(' '), text);
    return await text;
  };
  /** The commands a help text lists, without commander's own `help`. */
  const listedIn = (text: string): string[] =>
    [...(text.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z][a-z-]*)/gm)]
      .map((match) => String(match[1]))
      .filter((name) => name !== 'help');

  it('are exactly those the program has', async () => {
    expect(groups.map(({ name }) => name).sort()).toEqual(listedIn(await help()).sort());
    for (const { name, subcommands } of groups) {
      expect(listedIn(await help(name))).toEqual(subcommands);
    }
  });

  it('have an example in their help', async () => {
    const all = groups.flatMap(({ name, subcommands }) =>
      subcommands.length === 0 ? [[name]] : subcommands.map((subcommand) => [name, subcommand]),
    );
    for (const words of all) expect(await help(...words)).toContain('Example:\n  trackbridge ');
  });

  it('take the options that the examples give them', async () => {
    const examples = [...README.matchAll(/^npx trackbridge (.+)$/gm)].map((match) => match[1]);
    expect(examples.length).toBeGreaterThan(2);
    for (const example of examples) {
      const [name = '', ...words] = String(example).split(' ');
      for (const option of words.filter((word) => word.startsWith('--'))) {
        expect(await help(name)).toContain(`  ${option} `);
      }
    }
  });
});
