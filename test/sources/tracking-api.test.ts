import { describe, expect, it } from 'vitest';
import type { SourceConfig } from '../../src/config/config.js';
import { createTrackingApiSource } from '../../src/sources/tracking-api.js';
import { type Served, serve } from '../http/serve.js';
import { sourceConfig } from './support.js';

const DIALECTS = ['segment', 'rudderstack'] as const;

function api(changes: Partial<SourceConfig>): Promise<Served> {
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

  it.each(['//v1/batch', '/v1/batch/', '//v1/batch/', '//beacon/v1/batch'])(
    'a slash too many changes nothing: %s',
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
