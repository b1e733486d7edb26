import { describe, expect, it } from 'vitest';
import type { TrackingApiSourceConfig } from '../../../src/config/config.js';
import { RateLimits } from '../../../src/ingest/rate-limits.js';
import { createTrackingApiSource } from '../../../src/sources/tracking-api/source.js';
import { harness } from '../../ingest/harness.js';
import { type Served, serve } from '../../ingest/serve.js';
import { sourceConfig } from '../support.js';

const KEYS = [{ key: 'WK', source: 'web' }, { key: 'MK', source: 'mobile' }, { key: 'OWN' }];

function api(changes: Partial<TrackingApiSourceConfig> = {}, h = harness()): Promise<Served> {
  const config = sourceConfig({
    type: 'tracking-api',
    path: '/',
    verify: [],
    writeKeys: KEYS,
    ...changes,
  });
  const { deps } = h;
  const server = { ...deps.server, bodyLimit: 8_000_000 };
  const source = createTrackingApiSource('sdk', config);
  const limits = new RateLimits([source], { clock: deps.clock });
  const takeRate = limits.take.bind(limits);
  return serve([source], { ...h, deps: { ...deps, server, takeRate } });
}

const basic = (key: string) => ({
  authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
});
const track = (more: object = {}) => ({ type: 'track', event: 'E', userId: 'u', ...more });

async function post(
  { ask }: Served,
  path: string,
  body: unknown,
  headers: Record<string, string> = basic('WK'),
): Promise<{ status: number; json: Record<string, unknown>; headers: Headers }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await ask(path, { method: 'POST', body: text, headers });
  return {
    status: answer.status,
    json: (await answer.json()) as Record<string, unknown>,
    headers: answer.headers,
  };
}

describe("a path of Segment's tracking API", () => {
  const paths = {
    ...{ '/v1/identify': 'identify', '/v1/i': 'identify', '/v1/track': 'track', '/v1/t': 'track' },
    ...{ '/v1/page': 'page', '/v1/p': 'page', '/v1/screen': 'screen', '/v1/s': 'screen' },
    ...{ '/v1/group': 'group', '/v1/g': 'group', '/v1/alias': 'alias', '/v1/a': 'alias' },
  };
  it.each(Object.entries(paths))('%s takes one %s', async (path, type) => {
    const served = await api();
    const { status, json } = await post(served, path, { userId: 'u', type: 'other' });
    expect([status, json]).toEqual([200, { success: true }]);
    expect(served.store.events).toMatchObject([{ type, userId: 'u', receipt: { source: 'web' } }]);
  });

  it.each(['/v1/batch', '/v1/b', '/v1/import', '/beacon/v1/batch'])(
    '%s takes a batch',
    async (path) => {
      const served = await api();
      await post(served, path, { batch: [track(), { type: 'page', anonymousId: 'a' }] });
      expect(served.store.events.map(({ type }) => type)).toEqual(['track', 'page']);
    },
  );

  it('/v1/m is answered, and nothing is kept', async () => {
    const served = await api();
    expect((await post(served, '/v1/m', { series: [] }, {})).status).toBe(200);
    expect(served.store.deliveries).toEqual([]);
  });

  it('/v1/pixel/track takes base64 JSON, and answers an image whatever it holds', async () => {
    const served = await api();
    const data = Buffer.from(JSON.stringify({ writeKey: 'WK', ...track() })).toString('base64');
    const queries = [`data=${encodeURIComponent(data)}`, 'data=%%%', 'writeKey=nope&event=E', ''];
    for (const query of queries) {
      const answer = await served.ask(`/v1/pixel/track?${query}`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/gif']);
      expect((await answer.arrayBuffer()).byteLength).toBe(43);
    }
    const plain =
      'writeKey=MK&userId=u2&event=F&properties.subject=s&context.page.url=http%3A%2F%2Fx';
    await served.ask(`/v1/pixel/track?${plain}`);
    expect(served.store.events).toMatchObject([
      { type: 'track', event: 'E', userId: 'u', receipt: { source: 'web' } },
      { event: 'F', properties: { subject: 's' }, context: { page: { url: 'http://x' } } },
    ]);
    expect(JSON.stringify(served.store.events)).not.toMatch(/WK|MK/);
  });

  it('/v1/pixel says by its status that an event could not be kept', async () => {
    const served = await api();
    served.store.onAppend = () => Promise.reject(new Error('no disk'));
    const answer = await served.ask('/v1/pixel/track?writeKey=WK&userId=u&event=E');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'image/gif']);
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('that there is not is 404, and 405 with another method', async () => {
    const served = await api();
    expect((await post(served, '/v1/nope', track())).status).toBe(404);
    expect((await served.ask('/v1/track')).status).toBe(405);
    expect((await served.ask('/elsewhere')).headers.get('content-type')).toContain('problem');
  });
});

describe('a write key', () => {
  const body = track({ writeKey: 'WK' });
  it.each([
    ['Basic with a colon', '/v1/track', track(), basic('WK')],
    ['Basic without', '/v1/track', track(), { authorization: `Basic ${btoa('WK')}` }],
    ['Basic with a password', '/v1/track', track(), { authorization: `Basic ${btoa('WK:x')}` }],
    ['the body', '/v1/track', body, {}],
    ['a token and the body', '/v1/track', body, { authorization: 'Bearer t' }],
    ['the query', '/v1/track?writeKey=WK', track(), {}],
    ['the top of a batch', '/v1/batch', { writeKey: 'WK', batch: [track()] }, {}],
    ['an item of a batch', '/v1/b', { batch: [body] }, {}],
  ] as const)('is found in %s, and is not kept', async (_where, path, sent, headers) => {
    const served = await api();
    await post(served, path, sent, { ...headers, 'content-type': 'text/plain' });
    expect(served.store.events).toMatchObject([
      {
        receipt: { source: 'web', vendor: 'segment', authenticated: true, verifiedBy: 'write-key' },
      },
    ]);
    expect(served.store.deliveries[0]?.events[0]).toMatchObject({ scope: 'web' });
    expect(JSON.stringify(served.store.events)).not.toContain('WK');
  });

  it('that names no source counts for the one that takes it', async () => {
    const served = await api();
    await post(served, '/v1/track', track(), basic('OWN'));
    expect(served.store.events).toMatchObject([{ receipt: { source: 'sdk' } }]);
  });

  it('of an item goes before that of the batch, and one that is not listed takes its item with it', async () => {
    const served = await api();
    const batch = [track({ writeKey: 'MK' }), track({ writeKey: 'nope' }), track()];
    await post(served, '/v1/b', { batch, writeKey: 'WK' }, {});
    expect(
      served.store.events.map((event) => (event['receipt'] as { source: string }).source),
    ).toEqual(['mobile', 'web', 'web']);
    const alone = await api();
    await post(alone, '/v1/b', { batch }, {});
    expect(alone.store.events).toHaveLength(1);
  });

  it('that is not listed is answered as Segment does, and nothing is kept', async () => {
    const served = await api();
    const { status, json } = await post(served, '/v1/track', track(), basic('nope'));
    expect([status, json]).toEqual([200, { success: true }]);
    expect(served.store.deliveries).toEqual([]);
    expect(served.lines()).toMatchObject([{ level: 'warn', code: 'UNAUTHENTICATED' }]);
  });

  it('that is not listed is kept with its event where the source says so', async () => {
    const served = await api({ onUnauthenticated: 'quarantine' });
    await post(served, '/v1/track', track(), basic('nope'));
    expect(served.store.quarantined).toMatchObject([{ reason: 'unauthenticated' }]);
  });

  it.each([{}, basic('nope')])(
    'that is missing or not listed is 401 under strict',
    async (headers) => {
      const served = await api({ strict: true });
      expect(await post(served, '/v1/track', track(), headers)).toMatchObject({
        status: 401,
        json: {
          success: false,
          code: 'unauthenticated',
          error: expect.stringContaining('write key'),
        },
      });
    },
  );
});

describe('an event', () => {
  it('of a batch gets what stands beside the batch', async () => {
    const served = await api();
    await post(served, '/v1/batch', {
      context: { ip: '192.0.2.7', library: { name: 'go' } },
      integrations: { All: false },
      sentAt: '2026-01-02T03:04:05.000Z',
      batch: [track({ context: { library: { name: 'own' } } })],
    });
    expect(served.store.events).toMatchObject([
      {
        context: { ip: '192.0.2.7', library: { name: 'own' } },
        integrations: { All: false },
        sentAt: '2026-01-02T03:04:05.000Z',
      },
    ]);
  });

  it("has its sender's clock corrected by what passed since it was sent", async () => {
    const served = await api();
    const now = served.clock.now();
    const at = (ago: number) => new Date(now - ago).toISOString();
    // The sender's clock is an hour late.
    const times = { timestamp: at(3_600_000 + 5_000), sentAt: at(3_600_000 + 1_000) };
    await post(served, '/v1/track', track(times));
    expect(served.store.events).toMatchObject([
      { timestamp: at(4_000), originalTimestamp: times.timestamp, sentAt: times.sentAt },
    ]);
  });

  it('that asks for the address of its connection gets it', async () => {
    const served = await api();
    await post(served, '/v1/track', track({ context: { direct: true } }));
    await post(served, '/v1/track', track({ context: { direct: true, ip: '192.0.2.9' } }));
    await post(served, '/v1/track', track());
    expect(served.store.events.map(({ context }) => (context as { ip?: string }).ip)).toEqual([
      '127.0.0.1',
      '192.0.2.9',
      undefined,
    ]);
  });

  it.each([
    ['a library in a page', track({ context: { library: { name: 'analytics.js' } } }), {}],
    ['a library of an app', track({ context: { library: { name: 'analytics-swift' } } }), {}],
    ['the channel of a client', track({ channel: 'client' }), {}],
    ['a page by itself', track({ context: null }), { origin: 'https://shop.example' }],
  ])("from %s gets its user's address, as at Segment", async (_from, sent, headers) => {
    const served = await api();
    await post(served, '/v1/batch', { batch: [sent] }, { ...basic('WK'), ...headers });
    expect(served.store.events).toMatchObject([{ context: { ip: '127.0.0.1' } }]);
  });

  it("of a pixel gets its reader's address", async () => {
    const served = await api();
    await served.ask('/v1/pixel/track?writeKey=WK&userId=u&event=E');
    expect(served.store.events).toMatchObject([{ context: { ip: '127.0.0.1' } }]);
  });

  it.each([
    ['a server', { library: { name: '@segment/analytics-node' } }, undefined],
    ['a page that says another address', { library: { name: 'analytics.js' }, ip: 'x' }, 'x'],
    [
      'a page, by way of a bridge',
      { library: { name: 'analytics.js' }, trackbridge: {} },
      undefined,
    ],
  ])('from %s does not get that of the connection', async (_from, context, ip) => {
    const served = await api();
    await post(served, '/v1/track', track({ context }));
    expect(Object(served.store.events[0]?.['context']).ip).toBe(ip);
  });

  it('that is not valid is kept in quarantine, and its sender hears what Segment says', async () => {
    const served = await api();
    expect((await post(served, '/v1/track', track({ properties: 'x' }))).json).toEqual({
      success: true,
    });
    const batch = [track(), 7, track({ type: 'nonsense' })];
    expect((await post(served, '/v1/batch', { batch })).json).toEqual({ success: true });
    expect(served.store.events).toHaveLength(1);
    expect(served.store.quarantined).toHaveLength(3);
  });

  it('without anybody is kept', async () => {
    const served = await api();
    await post(served, '/v1/track', { event: 'E' });
    expect(served.store.events).toHaveLength(1);
  });
});

describe('under strict', () => {
  it.each([
    ['track', { event: 'E' }, ''],
    ['track', { userId: 'u' }, '/event'],
    ['group', { userId: 'u' }, '/groupId'],
    ['alias', { userId: 'u' }, '/previousId'],
  ])(
    'a %s that lacks what its kind needs is 400 and kept in quarantine',
    async (type, sent, path) => {
      const served = await api({ strict: true });
      expect((await post(served, `/v1/${type}`, sent)).status).toBe(400);
      expect(served.store.quarantined).toMatchObject([{ errors: [{ path }] }]);
    },
  );

  it('an alias needs no more than the former id and the new one', async () => {
    const served = await api({ strict: true });
    expect((await post(served, '/v1/alias', { previousId: 'p' })).status).toBe(200);
  });

  it('a batch says which of its events are not taken, and keeps the others', async () => {
    const served = await api({ strict: true });
    const { status, json } = await post(served, '/v1/batch', {
      batch: [track(), { type: 'track' }],
    });
    expect(status).toBe(400);
    expect(json).toMatchObject({
      code: 'event_invalid',
      errors: [{ path: '/1' }, { path: '/1/event' }],
    });
    expect(served.store.events).toHaveLength(1);
  });

  it('a batch of good events is taken', async () => {
    const served = await api({ strict: true });
    expect((await post(served, '/v1/batch', { batch: [track()] })).json).toEqual({ success: true });
  });
});

describe("Segment's limits", () => {
  const large = (bytes: number) => track({ properties: { filler: 'x'.repeat(bytes) } });

  it('are 32 kB for one event, which goes into quarantine', async () => {
    const served = await api();
    expect((await post(served, '/v1/track', large(33_000))).json).toEqual({ success: true });
    expect((await post(served, '/v1/track', large(32_000))).json).toEqual({ success: true });
    expect(served.store.events).toHaveLength(1);
    expect(served.store.quarantined).toMatchObject([
      { errors: [{ message: expect.stringContaining('32768') }] },
    ]);
  });

  it('are 32 kB for an event of a batch, which goes into quarantine alone', async () => {
    const served = await api();
    await post(served, '/v1/batch', { batch: [track(), large(33_000), large(32_000)] });
    expect(served.store.events).toHaveLength(2);
    expect(served.store.quarantined).toMatchObject([
      { errors: [{ message: expect.stringContaining('32768') }] },
    ]);
  });

  it.each([
    ['compact', (item: string) => `{"batch":[${item}]}`],
    ['with whitespace around', (item: string) => `{ "batch" : [\n\n ${item} \t] }`],
    ['with others', (item: string) => `{"batch":[{"type":"page"}, ${item},{"type":"page"}]}`],
    ['as an array', (item: string) => `[${item}]`],
    [
      'before what belongs to all',
      (item: string) => `{"batch":[${item}],"context":{"a":"${'x'.repeat(9_000)}"}}`,
    ],
    [
      'behind it',
      (item: string) =>
        `{"sentAt":"2026-11-30T08:00:00.000Z","context":{"a":[{}]},"batch":[${item}]}`,
    ],
  ])('count the bytes of an event as it was sent: %s', async (_, bodyOf) => {
    for (const [character, width] of [
      ['x', 1],
      ['é', 2],
      ['東', 3],
      ['\\u00e9', 6],
      ['\\n', 2],
    ] as const) {
      const empty = JSON.stringify(track({ properties: { pad: '' } }));
      const spare = 32_768 - empty.length;
      const fill = character.repeat(Math.floor(spare / width)) + ' '.repeat(spare % width);
      const item = (more: string) => empty.replace('"pad":""', `"pad":"${fill}${more}"`);
      const served = await api();
      await post(served, '/v1/batch', bodyOf(item('')));
      expect(served.store.quarantined).toEqual([]);
      await post(served, '/v1/batch', bodyOf(item('x')));
      expect(served.store.quarantined).toMatchObject([
        { errors: [{ message: expect.stringContaining('is 32769 bytes') }] },
      ]);
    }
  });

  it.each(['context', 'integrations', 'sentAt'])(
    'keep %s beside a batch from becoming gigabytes: its events go into quarantine as they were sent',
    async (field) => {
      const served = await api();
      const filler = 'x'.repeat(400_000);
      const shared = { [field]: field === 'sentAt' ? filler : { filler } };
      const batchOf = (length: number) => Array.from({ length }, () => ({ type: 'page' }));
      const answer = await post(served, '/v1/batch', { ...shared, batch: batchOf(2_500) });
      expect(answer.json).toEqual({ success: true });
      expect(served.store.events).toEqual([]);
      expect(served.store.quarantined).toHaveLength(2_500);
      expect(served.store.quarantined[0]?.errors).toMatchObject([
        { message: expect.stringContaining('send smaller batches') },
      ]);
      await post(served, '/v1/batch', { ...shared, batch: batchOf(10) });
      expect(served.store.events).toHaveLength(10);
    },
  );

  it('refuse no batch as a whole for its size', async () => {
    const served = await api();
    const batch = Array.from({ length: 140 }, () => large(4_700));
    expect((await post(served, '/v1/batch', { batch })).json).toEqual({ success: true });
    expect(served.store.events).toHaveLength(140);
    const far = Array.from({ length: 15 }, () => large(40_000));
    expect((await post(served, '/v1/batch', { batch: far })).json).toEqual({ success: true });
    expect(served.store.events).toHaveLength(140);
    expect(served.store.quarantined).toHaveLength(15);
  });

  it('are 32 kB for an event and 500 kB for a batch with strict: 400', async () => {
    const served = await api({ strict: true });
    expect((await post(served, '/v1/track', large(33_000))).status).toBe(400);
    expect((await post(served, '/v1/track', large(32_000))).status).toBe(200);
    const batch = Array.from({ length: 17 }, () => large(31_000));
    expect((await post(served, '/v1/batch', { batch })).status).toBe(400);
    expect((await post(served, '/v1/batch', { batch: batch.slice(1) })).status).toBe(200);
  });

  it('are 2,500 events for a batch, of which the rest goes into quarantine', async () => {
    const served = await api();
    const batch = Array.from({ length: 2_501 }, () => ({ type: 'page', userId: 'u' }));
    expect((await post(served, '/v1/batch', { batch })).status).toBe(200);
    expect(served.store.events).toHaveLength(2_500);
    expect(served.store.quarantined).toHaveLength(1);
  });
});

describe('a request', () => {
  it.each(['', 'not json', '[,]', '{"batch":', '"text"', '{"batch":7}', '{}'])(
    'whose body is %j is 400 as SDKs read it',
    async (body) => {
      const served = await api();
      expect(await post(served, '/v1/batch', body)).toMatchObject({
        status: 400,
        json: { success: false, code: 'body_malformed', message: expect.any(String) },
      });
    },
  );

  it('over the rate is told when to come back, as each generation of SDKs reads it', async () => {
    const served = await api({ rateLimit: { perSecond: 0.1, burst: 1 } });
    await post(served, '/v1/track', track());
    const { status, headers } = await post(served, '/v1/track', track());
    expect(status).toBe(429);
    expect([headers.get('retry-after'), headers.get('x-ratelimit-reset')]).toEqual(['10', '10']);
  });

  it('that cannot be kept now is 503, which every SDK retries', async () => {
    const served = await api();
    served.store.onAppend = () => Promise.reject(new Error('no disk'));
    const { status, headers } = await post(served, '/v1/track', track());
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('for health or robots is answered', async () => {
    const served = await api();
    expect((await served.ask('/health')).status).toBe(200);
    expect(await (await served.ask('/robots.txt')).text()).toContain('Disallow: /');
  });
});
