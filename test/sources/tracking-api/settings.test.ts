import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { TrackingApiSourceConfig } from '../../../src/config/config.js';
import { createTrackingApiSource } from '../../../src/sources/tracking-api/source.js';
import { harness } from '../../ingest/harness.js';
import { type Served, serve } from '../../ingest/serve.js';
import { sourceConfig } from '../support.js';

function api(changes: Partial<TrackingApiSourceConfig> = {}, trustProxy = false): Promise<Served> {
  const config = sourceConfig({
    type: 'tracking-api',
    path: '/',
    verify: [],
    writeKeys: [{ key: 'WK', source: 'web' }, { key: 'a/b c' }],
    cors: { origins: ['*'], credentials: true },
    ...changes,
  });
  const { deps } = harness();
  const server = { ...deps.server, trustProxy };
  return serve([createTrackingApiSource('sdk', config)], harness({ server }));
}

const basic = (user: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}`,
});

describe("the settings of Segment's browser SDK", () => {
  it('name this receiver as the only destination', async () => {
    const { ask, port, store } = await api();
    const answer = await ask('/v1/projects/WK/settings', {
      headers: { origin: 'https://shop.example' },
    });
    const apiHost = `127.0.0.1:${port}/v1`;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toEqual({
      integrations: { 'Segment.io': { apiKey: 'WK', apiHost, protocol: 'http' } },
      plan: { track: { __default: { enabled: true, integrations: {} } } },
      metrics: { sampleRate: 0, host: apiHost, protocol: 'http' },
    });
    expect(store.deliveries).toEqual([]);
  });

  it('hold below the path of the source, and behind a proxy that is trusted', async () => {
    const settingsOf = async (trusted: boolean): Promise<unknown> => {
      const { ask } = await api({ path: '/in' }, trusted);
      const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'events.example.com' };
      const answer = await ask('/in/v1/projects/WK/settings', { headers });
      return Object(await answer.json()).integrations['Segment.io'];
    };
    expect(await settingsOf(true)).toMatchObject({
      apiHost: 'events.example.com/in/v1',
      protocol: 'https',
    });
    expect(await settingsOf(false)).toMatchObject({
      apiHost: expect.stringMatching(/^127\.0\.0\.1:\d+\/in\/v1$/),
      protocol: 'http',
    });
  });

  it('are of listed keys alone', async () => {
    const { ask } = await api();
    const statusOf = async (key: string) => (await ask(`/v1/projects/${key}/settings`)).status;
    expect(await statusOf('a%2Fb%20c')).toBe(200);
    for (const key of ['nope', 'wk', '%ff', '%57K%00', 'WK/more']) {
      expect([key, await statusOf(key)]).toEqual([key, 404]);
    }
    expect((await ask('/v1/projects/WK/settings', { method: 'POST' })).status).toBe(405);
  });
});

describe("the configuration of RudderStack's SDKs", () => {
  it('is a source that sends everything to the data plane', async () => {
    const { ask, store } = await api({ dialect: 'rudderstack' });
    const query = 'p=npm&v=3.34.1&build=modern&writeKey=WK&lockPluginsVersion=true';
    for (const path of ['/sourceConfig', '/sourceConfig/', `/sourceConfig/?${query}`]) {
      const answer = await ask(path, { headers: basic('WK') });
      expect([path, answer.status]).toEqual([path, 200]);
      expect(await answer.json()).toMatchObject({
        source: { id: 'web', enabled: true, destinations: [], config: expect.any(Object) },
      });
    }
    expect((await ask(`/sourceConfig/?${query}`)).status).toBe(200);
    expect((await ask('/sourceConfig/?view=ad', { method: 'HEAD' })).status).toBe(400);
    expect(store.deliveries).toEqual([]);
  });

  it('is found where the SDK for Android looks for it', async () => {
    const { port } = await api();
    const socket = connect(port, '127.0.0.1');
    const { authorization } = basic('WK');
    const head = [
      'GET //sourceConfig?p=android HTTP/1.1',
      'Host: x',
      `Authorization: ${authorization}`,
    ];
    socket.write([...head, 'Connection: close', '', ''].join('\r\n'));
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('is of listed keys alone, in words that its SDKs know', async () => {
    const { ask } = await api();
    for (const headers of [basic('nope'), {}]) {
      const answer = await ask('/sourceConfig', { headers });
      expect([answer.status, await answer.text()]).toEqual([
        400,
        '{"message":"Invalid write key"}',
      ]);
    }
  });

  it('may be asked for from any page, with the header it needs', async () => {
    const { ask } = await api();
    const headers = {
      origin: 'https://shop.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    };
    const answer = await ask('/sourceConfig/', { method: 'OPTIONS', headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization');
    expect(answer.headers.get('access-control-allow-methods')).toContain('GET');
  });
});
