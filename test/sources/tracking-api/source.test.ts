import { describe, expect, it } from 'vitest';
import type { TrackingApiSourceConfig } from '../../../src/config/config.js';
import { trackingRouteOf } from '../../../src/sources/tracking-api/route.js';
import { createTrackingApiSource } from '../../../src/sources/tracking-api/source.js';
import { type Served, serve } from '../../ingest/serve.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { deliveryOf, sourceConfig } from '../support.js';

const DIALECTS = ['segment', 'rudderstack'] as const;

function api(changes: Partial<TrackingApiSourceConfig>): Promise<Served> {
  const config = sourceConfig({
    type: 'tracking-api',
    path: '/',
    verify: [],
    writeKeys: [
      { key: 'WK', source: 'web' },
      { key: 'MK', source: 'mobile' },
    ],
    ...changes,
  });
  return serve([createTrackingApiSource('sdk', config)]);
}

const WITH_KEY = { authorization: `Basic ${btoa('WK:')}` };
const track = (more: object = {}) => ({ type: 'track', event: 'E', userId: 'u', ...more });

async function post(
  { ask }: Served,
  batch: readonly object[],
  headers: Record<string, string> = WITH_KEY,
): Promise<readonly [status: number, text: string]> {
  const body = JSON.stringify({ batch });
  const answer = await ask('/v1/batch', { method: 'POST', headers, body });
  return [answer.status, await answer.text()];
}

describe.each(DIALECTS)('in the dialect %s', (dialect) => {
  it.each(['delete', 'Delete'])(
    'a write key deletes nobody: %s goes into quarantine',
    async (type) => {
      const served = await api({ dialect });
      expect((await post(served, [{ type, userId: 'u' }, track()]))[0]).toBe(200);
      expect(served.store.events).toMatchObject([{ type: 'track' }]);
      expect(served.store.quarantined).toMatchObject([{ errors: [{ path: '/type' }] }]);
    },
  );

  it('items bring their own keys, which are not kept', async () => {
    const served = await api({ dialect });
    const batch = [track({ writeKey: 'WK' }), track({ writeKey: 'MK' })];
    expect((await post(served, batch, {}))[0]).toBe(200);
    expect(served.store.events).toMatchObject([
      { receipt: { source: 'web', authenticated: true } },
      { receipt: { source: 'mobile', authenticated: true } },
    ]);
    expect(JSON.stringify(served.store.events)).not.toMatch(/WK|MK/);
  });

  it('a body over 500 kB is not parsed for a key that stands only in its items', () => {
    const config = sourceConfig({ type: 'tracking-api', path: '/', verify: [], dialect });
    const source = createTrackingApiSource('sdk', { ...config, writeKeys: [{ key: 'WK' }] });
    const verdictOf = (body: string): unknown =>
      source.verify(deliveryOf({ subpath: 'v1/batch', body }), new AbortController().signal);
    const fill = '"":1,'.repeat(120_000);
    // Parsing it would throw.
    expect(verdictOf(`{"batch":[{"writeKey":"WK","userId":"u"}],${fill}`)).toMatchObject({
      passed: false,
    });
    expect(verdictOf(`{"batch":[{"writeKey":"WK","userId":"u"}],${fill}"z":1}`)).toMatchObject({
      passed: false,
    });
    expect(verdictOf(`{"batch":[{"userId":"u"}],"writeKey":"WK",${fill}"z":1}`)).toMatchObject({
      passed: true,
    });
  });

  it('a batch holds 5,000 events at most', async () => {
    const served = await api({ dialect });
    const batch = Array.from({ length: 5_001 }, () => ({ userId: 'u' }));
    expect((await post(served, batch))[0]).toBe(400);
    expect(served.store.deliveries).toEqual([]);
  });

  it.each(['/pixel/v1/track', '/v1/pixel/track'])(
    'what is posted to a pixel is not kept, and not answered as if it were: %s',
    async (path) => {
      const { ask, store } = await api({ dialect });
      const body = JSON.stringify(track());
      const answer = await ask(`${path}?writeKey=WK`, { method: 'POST', body });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      expect(store.deliveries).toEqual([]);
    },
  );

  it.each(['//v1/batch', '/v1/batch/', '///v1/batch//', '//beacon/v1/batch'])(
    'slashes too many change nothing: %s',
    async (path) => {
      for (const own of ['', '/in']) {
        const served = await api({ dialect, path: own === '' ? '/' : own });
        const body = JSON.stringify({ batch: [track()] });
        const answer = await served.ask(own + path, { method: 'POST', headers: WITH_KEY, body });
        expect(answer.status).toBe(200);
        expect(served.store.events).toHaveLength(1);
      }
    },
  );

  it('reads a path of slashes in linear time', () => {
    const slashes = `${'/'.repeat(500_000)}x`;
    expect(cpuTimeOf(() => expect(trackingRouteOf(slashes)).toBeUndefined())).toBeLessThan(2_000);
  });

  it.each(['', '/in', '/in/'])('its own path takes what the body holds: %s', async (path) => {
    const served = await api({ dialect, path: path.replace(/\/$/, '') || '/' });
    const send = async (body: string, headers: Record<string, string> = WITH_KEY) =>
      (await served.ask(path || '/', { method: 'POST', headers, body })).status;
    expect(await send('{"type":"page","name":"Home","userId":9007199254740993}')).toBe(200);
    expect(await send(JSON.stringify({ batch: [track(), track()] }))).toBe(200);
    expect(await send(JSON.stringify([track()]))).toBe(200);
    expect(served.store.events).toMatchObject([
      { type: 'page', name: 'Home', userId: '9007199254740993', receipt: { source: 'web' } },
      ...Array.from({ length: 3 }, () => ({ type: 'track' })),
    ]);
    await send(JSON.stringify(track()), {});
    expect(served.store.events).toHaveLength(4);
    // It is a health page for everyone else.
    const health = await served.ask(path || '/');
    expect([health.status, health.headers.get('content-type')]).toEqual([
      200,
      'application/json; charset=utf-8',
    ]);
    expect((await served.ask(path || '/', { method: 'PUT', body: '{}' })).status).toBe(405);
  });

  it('deletions are taken where the source says so', async () => {
    const served = await api({ dialect, extraTypes: ['delete'] });
    await post(served, [{ type: 'delete', userId: 'u' }]);
    expect(served.store.events).toMatchObject([{ type: 'delete', userId: 'u' }]);
  });
});

it('a batch is refused whole for an item whose key is not listed where its vendor refuses whole batches', async () => {
  const served = await api({ dialect: 'rudderstack' });
  for (const batch of [
    [track({ writeKey: 'WK' }), track()],
    [track({ writeKey: 'WK' }), track({ writeKey: 'nope' })],
  ]) {
    expect(await post(served, batch, {})).toEqual([401, 'invalid write key\n']);
  }
  expect(served.store.deliveries).toEqual([]);
});

it.each(['/v1/import', '/v1/batch', '/beacon/v1/batch'])(
  'an empty batch brings no key: %s',
  async (path) => {
    const { ask } = await api({ dialect: 'rudderstack' });
    expect((await ask(path, { method: 'POST', body: '{"batch":[]}' })).status).toBe(401);
  },
);

it('a deletion is refused aloud where Segment’s dialect is strict', async () => {
  const served = await api({ dialect: 'segment', strict: true });
  expect((await post(served, [{ type: 'delete', userId: 'u' }]))[0]).toBe(400);
});
