import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAdminApp } from '../../src/admin/app.js';
import { MemoryOutbox } from '../../src/outbox/memory.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { readableLog } from '../http/harness.js';
import { newQuarantined } from '../outbox/samples.js';
import { close, listen } from './listen.js';

/** What a browser sends of its own accord, where the page is of this origin. */
const EVIL = 'https://evil.example';
const JSON_TYPE = { 'content-type': 'application/json' };
const PURGE = { method: 'POST', body: JSON.stringify({ all: true }) };

let url = '';
let outbox: MemoryOutbox;
const token = { authorization: 'Bearer the-token-of-the-admin' };

async function serve(credentials: { token?: string } = {}): Promise<void> {
  const clock = new FakeClock();
  const { log } = readableLog('info');
  outbox = new MemoryOutbox({ dedupeWindow: 1000, maxPending: 100 }, { clock, log });
  await outbox.open([]);
  await outbox.append({ events: [], quarantined: [newQuarantined()] });
  url = await listen(
    createAdminApp({
      credentials,
      outbox,
      metrics: createMetrics(),
      clock,
      log,
      uuid: () => 'the-id',
      isDraining: () => false,
      sourceStates: () => [],
      sinkStates: () => new Map(),
      replayQuarantined: async () => undefined,
    }),
  );
}

const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(url + path, init);
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
