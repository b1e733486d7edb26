import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newQuarantined } from '../outbox/samples.js';
import { close } from './listen.js';
import { serveAdmin } from './serve.js';

type Serving = Awaited<ReturnType<typeof serveAdmin>>;

/** What a browser sends of its own accord, where the page is of this origin. */
const EVIL = 'https://evil.example';
const JSON_TYPE = { 'content-type': 'application/json' };
const PURGE = { method: 'POST', body: JSON.stringify({ all: true }) };

let ask: Serving['ask'];
let outbox: Serving['outbox'];
let url = '';
const token = { authorization: 'Bearer the-token-of-the-admin' };

async function serve(credentials: { token?: string } = {}): Promise<void> {
  ({ ask, outbox, url } = await serveAdmin([], { credentials }));
  await outbox.append({ events: [], quarantined: [newQuarantined()] });
}

const kept = async (): Promise<number> => (await outbox.quarantine.list({ limit: 10 })).length;

beforeEach(async () => serve());
afterEach(close);

describe('a page of another site', () => {
  it.each([
    ['by fetch', { 'sec-fetch-site': 'cross-site', origin: EVIL }],
    ['of a sibling domain', { 'sec-fetch-site': 'same-site' }],
    ['in an older browser', { origin: EVIL }],
    ['in a sandbox', { origin: 'null' }],
    ['on another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['whose name begins like ours', { origin: 'http://127.0.0.1.evil.example' }],
    ['by an image', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ] as const)('reads and changes nothing %s', async (_how, headers) => {
    for (const path of ['/api/stats', '/metrics', '/api/quarantine?payload=true', '/asyncapi.yaml'])
      expect((await ask(path, { headers })).status, path).toBe(403);
    const response = await ask('/api/quarantine/purge', {
      ...PURGE,
      headers: { ...JSON_TYPE, ...headers },
    });
    expect(response.status).toBe(403);
    expect(await kept()).toBe(1);
    for (const act of ['pause', 'resume', 'purge']) {
      const init = { method: 'POST', body: '{}', headers: { ...JSON_TYPE, ...headers } };
      expect((await ask(`/api/sinks/far/${act}`, init)).status, act).toBe(403);
    }
  });

  it('may come from the configured URL, whatever Host a proxy sends', async () => {
    close();
    const changes = { credentials: { token: 'the-token-of-the-admin' } };
    const proxied = await serveAdmin([], { ...changes, url: 'https://inspector.example/' });
    const post = (origin: string, site = 'same-origin'): Promise<Response> =>
      proxied.ask('/api/quarantine/purge', {
        ...PURGE,
        headers: { ...token, ...JSON_TYPE, origin, 'sec-fetch-site': site },
      });
    expect((await post('https://inspector.example')).status).toBe(200);
    expect((await post('http://inspector.example')).status).toBe(403);
    expect((await post('https://inspector.example', 'cross-site')).status).toBe(403);
    const other = await post('https://other.example');
    expect(other.status).toBe(403);
    expect(await other.json()).toMatchObject({ detail: expect.stringContaining('admin.url') });
    expect(JSON.stringify(await (await post(EVIL, 'cross-site')).json())).not.toContain(
      'admin.url',
    );
  });

  it('is refused also where the browser would add what is needed to be let in', async () => {
    close();
    await serve({ token: 'the-token-of-the-admin' });
    const headers = { ...token, ...JSON_TYPE, 'sec-fetch-site': 'cross-site', origin: EVIL };
    expect((await ask('/api/stats', { headers })).status).toBe(403);
    expect((await ask('/api/quarantine/purge', { ...PURGE, headers })).status).toBe(403);
    const cookie = { cookie: 'token=the-token-of-the-admin; authorization=Bearer' };
    expect((await ask('/api/stats', { headers: cookie })).status).toBe(401);
  });

  it('does not navigate to a change', async () => {
    const headers = { ...JSON_TYPE, 'sec-fetch-site': 'none' };
    expect((await ask('/api/quarantine/purge', { ...PURGE, headers })).status).toBe(403);
    expect(await kept()).toBe(1);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/csp-report',
    'text/plain; application/json',
    'application/jsonp',
  ])('changes nothing by a form of type %s, which needs no leave', async (type) => {
    for (const path of ['/api/quarantine/purge', '/api/dead-letters/replay']) {
      const response = await ask(path, { ...PURGE, headers: { 'content-type': type } });
      expect(response.status, path).toBe(400);
    }
    expect(await kept()).toBe(1);
  });

  it('is granted nothing when it asks for leave', async () => {
    const preflight = {
      origin: EVIL,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,authorization',
    };
    for (const headers of [preflight, { ...preflight, 'sec-fetch-site': 'cross-site' }, {}]) {
      for (const path of ['/api/quarantine/purge', '/api/stats', '/livez', '/nowhere']) {
        const response = await ask(path, { method: 'OPTIONS', headers });
        const names = [...response.headers.keys()];
        expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([]);
      }
    }
  });
});

describe('a page of our own, the address line and a program', () => {
  it.each([
    [
      'same-origin',
      (): Record<string, string> => ({ 'sec-fetch-site': 'same-origin', origin: url }),
    ],
    ['none', (): Record<string, string> => ({ 'sec-fetch-site': 'none' })],
    ['nothing', (): Record<string, string> => ({})],
  ])('read: Sec-Fetch-Site %s', async (_site, headers) => {
    expect((await ask('/api/stats', { headers: headers() })).status).toBe(200);
  });

  it('change, but for the address line', async () => {
    const own = { ...JSON_TYPE, 'sec-fetch-site': 'same-origin', origin: url };
    expect((await ask('/api/quarantine/purge', { ...PURGE, headers: own })).status).toBe(200);
    expect(await kept()).toBe(0);
    expect((await ask('/api/quarantine/purge', { ...PURGE, headers: JSON_TYPE })).status).toBe(200);
  });
});

it('every answer, errors of every kind among them, forbids a browser to do anything with it', async () => {
  const asked: [string, RequestInit][] = [
    ['/livez', {}],
    ['/api/stats', {}],
    ['/nowhere', {}],
    ['/api/stats', { method: 'PUT' }],
    ['/api/stats', { headers: { origin: EVIL } }],
    ['/api/quarantine?limit=x', {}],
    ['/api/quarantine/purge', { ...PURGE, body: '{', headers: JSON_TYPE }],
    ['/asyncapi.yaml', {}],
  ];
  const statuses: number[] = [];
  for (const [path, init] of asked) {
    const { headers, status } = await ask(path, init);
    statuses.push(status);
    expect(headers.get('content-security-policy'), path).toBe(
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(headers.get('set-cookie'), path).toBeNull();
  }
  expect(statuses).toEqual([200, 200, 404, 405, 403, 400, 400, 200]);
});
