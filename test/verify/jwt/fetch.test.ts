import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchKeys, type Reach } from '../../../src/verify/jwt/fetch.js';
import { JwksServer } from './jwks-server.js';

const server = new JwksServer();
const KEYS = { keys: [{ kty: 'oct' }] };

beforeEach(async () => {
  await server.start();
  server.behaviour = KEYS;
  server.requests = 0;
});
afterEach(async () => {
  delete process.env['HTTP_PROXY'];
  delete process.env['http_proxy'];
  await server.stop();
});

/** A reach whose DNS gives these answers, one a question, the last one for good. */
function dns(allowPrivate: boolean, ...answers: string[][]): Reach {
  const left = [...answers];
  return {
    allowPrivate,
    async resolve() {
      const found = (left.length > 1 ? left.shift() : left[0]) ?? [];
      return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  };
}

async function fetchFrom(url: string, reach: Reach = dns(false)): Promise<Response> {
  const signal = AbortSignal.timeout(2_000);
  const init = { method: 'GET', headers: new Headers(), redirect: 'manual', signal } as const;
  return await fetchKeys(new URL(url), reach)(url, init);
}

const named = (host: string): string => server.url.replace('127.0.0.1', host);

describe('a key set', () => {
  it('comes from an address that the operator wrote down', async () => {
    expect(await (await fetchFrom(server.url)).json()).toEqual(KEYS);
  });

  it.each(['id.example', '127.0.0.1.id.example', 'localhost.id.example', 'notlocalhost'])(
    'does not come from the own network by the name %s, unless that is allowed',
    async (host) => {
      const refused = fetchFrom(named(host), dns(false, ['127.0.0.1']));
      await expect(refused).rejects.toThrow(`${host} (127.0.0.1) is not a public address`);
      expect(server.requests).toBe(0);
      const allowed = await fetchFrom(named(host), dns(true, ['127.0.0.1']));
      expect(allowed.status).toBe(200);
    },
  );

  it('is asked for at the address that was checked, whatever DNS says the second time', async () => {
    const rebinding = dns(false, ['127.0.0.2'], ['127.0.0.1']);
    await expect(fetchFrom(named('id.example'), rebinding)).rejects.toThrow('127.0.0.2');
    expect(server.requests).toBe(0);
  });

  it.each([301, 302, 303, 307, 308])('is not looked for where a %i points', async (status) => {
    const elsewhere = new JwksServer();
    await elsewhere.start();
    server.behaviour = (response: ServerResponse) =>
      void response.writeHead(status, { location: elsewhere.url }).end();
    expect((await fetchFrom(server.url)).status).toBe(502);
    expect(elsewhere.requests).toBe(0);
    await elsewhere.stop();
  });

  it('is read to a megabyte and no further', async () => {
    server.behaviour = (response: ServerResponse) => {
      response.on('error', () => undefined);
      const block = Buffer.alloc(64 * 1024, 0x20);
      const more = (): void => {
        while (!response.destroyed && response.write(block));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    await expect(fetchFrom(server.url)).rejects.toMatchObject({ code: 'ERR_JWKS_INVALID' });
  });

  it('is given up on with the signal', async () => {
    server.behaviour = () => undefined;
    await expect(fetchFrom(server.url)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('does not go through a proxy that happens to be in the environment', async () => {
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
    process.env['http_proxy'] = 'http://127.0.0.1:1';
    expect((await fetchFrom(server.url)).status).toBe(200);
  });
});
