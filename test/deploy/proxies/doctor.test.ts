import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Receiver, runCommand, startReceiver } from '../../support/receiver.js';
import { DEFAULT_PROXIES, startDefaultProxy } from './default-proxy.js';
import { isInstalled } from './proxy.js';

const SECRET = 'a-secret-in-a-static-header';

interface Finding {
  readonly id: string;
  readonly answer: string;
  readonly grade: string;
  readonly why: string;
}

/** What each proxy loses with its default settings, and the setting that the doctor names. */
const LOST: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  nginx: {
    'body-1mb': 'nginx: set `client_max_body_size 8m;`.',
    'body-7mb': 'nginx: set `client_max_body_size 8m;`.',
    'get-8kb': 'nginx: set `large_client_header_buffers 4 512k;`.',
    'long-get': 'nginx: set `large_client_header_buffers 4 512k;`.',
    'get-200kb': 'nginx: set `large_client_header_buffers 4 512k;`.',
    headers: 'nginx: set `large_client_header_buffers 4 512k;`.',
  },
  haproxy: {
    'long-get': 'HAProxy: set `tune.bufsize 540672` in `global`.',
    'get-200kb': 'HAProxy: set `tune.bufsize 540672` in `global`.',
    headers: 'HAProxy: set `tune.bufsize 540672` and `tune.http.maxhdr 1000` in `global`.',
  },
  apache: {
    'get-8kb': 'Apache: set `LimitRequestLine 524288`.',
    'long-get': 'Apache: set `LimitRequestLine 524288`.',
    'get-200kb': 'Apache: set `LimitRequestLine 524288`.',
    'path-params': 'Apache: set `AllowEncodedSlashes NoDecode`, and `nocanon` in `ProxyPass`.',
  },
};

let receiver: Receiver;
beforeAll(async () => {
  const verify = (header: string) => ({ scheme: 'shared-secret', header, secrets: [SECRET] });
  const source = { type: 'rudderstack' };
  receiver = await startReceiver({
    config: {
      server: { port: 0 },
      sources: {
        plain: { ...source, path: '/in', verify: verify('x-signature') },
        underscored: { ...source, path: '/key', verify: verify('x_api_key') },
      },
      sinks: {},
    },
  });
});
afterAll(async () => {
  await receiver.end('SIGKILL');
});

async function examine(url: string, ...more: string[]): Promise<readonly Finding[]> {
  const args = ['doctor', '--url', url, '--as', 'rudderstack', '--secret', SECRET, '--json'];
  const { stdout, stderr } = await runCommand([...args, ...more]);
  try {
    const found: readonly Finding[] = JSON.parse(stdout);
    // A machine under load spends the budget of a large delivery, which says nothing about limits.
    return found.filter(({ answer }) => answer !== '503');
  } catch {
    throw new Error(`${stdout} ${stderr}`);
  }
}

it('the doctor finds nothing lost without a proxy', async () => {
  const found = await examine(`${receiver.url}/in`);
  expect(found.filter(({ grade }) => grade !== 'ok')).toEqual([]);
});

describe.each(DEFAULT_PROXIES)('the doctor behind %s with its default settings', (name) => {
  const isWanted = isInstalled(name) || process.env['CI'] !== undefined;

  it.skipIf(!isWanted)('names the setting for each delivery that is lost', async () => {
    const proxy = await startDefaultProxy(name, Number(new URL(receiver.url).port));
    try {
      const found = await examine(`${proxy.url}/in`);
      const lost = found.filter(({ grade }) => grade === 'lost' || grade === 'warning');
      const named = Object.fromEntries(
        lost.map(({ id, why }) => [id, /\w+: [^:]*$/.exec(why)?.[0]]),
      );
      expect(named).toEqual(LOST[name]);
    } finally {
      await proxy.close();
    }
  });
});

it.skipIf(!isInstalled('nginx') && process.env['CI'] === undefined)(
  'the doctor says that nginx drops the header of the secret because of its underscores',
  async () => {
    const proxy = await startDefaultProxy('nginx', Number(new URL(receiver.url).port));
    try {
      const found = await examine(`${proxy.url}/key`, '--header', 'x_api_key');
      expect(found.find(({ id }) => id === 'single')).toMatchObject({
        grade: 'lost',
        why: expect.stringContaining('nginx: set `underscores_in_headers on;`'),
      });
    } finally {
      await proxy.close();
    }
  },
);
