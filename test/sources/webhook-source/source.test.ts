import { describe, expect, it } from 'vitest';
import type { WebhookSourceConfig } from '../../../src/config/config.js';
import { createTrackingApiSource } from '../../../src/sources/tracking-api/source.js';
import { createWebhookSource } from '../../../src/sources/webhook-source/source.js';
import { harness } from '../../ingest/harness.js';
import { type Served, serve } from '../../ingest/serve.js';
import { cases, expectRecorded } from '../gateway-cases.js';
import { sourceConfig } from '../support.js';

const KEY = 'WHK';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function webhook(changes: Partial<WebhookSourceConfig> = {}): Promise<Served> {
  const config = sourceConfig({
    type: 'webhook-source',
    path: '/',
    verify: [],
    writeKeys: [{ key: KEY, source: 'crm' }, { key: 'OWN-KEY' }],
    ...changes,
  });
  const h = harness();
  const server = { ...h.deps.server, bodyLimit: 8_000_000, maxBodyBytes: 64_000_000 };
  return serve([createWebhookSource('hooks', config)], harness({ server }));
}

async function post(
  { ask }: Served,
  body: string | Uint8Array<ArrayBuffer> | FormData,
  headers: Record<string, string> = {},
  query = `?writeKey=${KEY}`,
): Promise<[status: number, text: string]> {
  const answer = await ask(`/v1/webhook${query}`, { method: 'POST', body, headers });
  return [answer.status, await answer.text()];
}

/** The properties of the one event that this body became. */
async function propertiesOf(
  body: string | FormData,
  headers?: Record<string, string>,
): Promise<unknown> {
  const served = await webhook();
  expect(await post(served, body, headers)).toEqual([200, 'ok']);
  expect(served.store.events).toHaveLength(1);
  return served.store.events[0]?.['properties'];
}

describe("the gateway's recorded answers to webhooks", () => {
  // A key that is listed is not disabled; whoever means to stop one takes it out of the list.
  const recorded = cases.filter(({ id }) => id.startsWith('webhook') && id !== 'webhook-disabled');

  it('are there', () => expect(recorded.length).toBeGreaterThan(5));

  it.each(recorded.map((each) => [each.id, each] as const))('%s', async (_id, each) => {
    await expectRecorded(await webhook(), each);
  });
});

describe('a webhook', () => {
  it('becomes one track event of the source that its key names', async () => {
    const served = await webhook();
    await post(served, '{"a":{"b":[1,null]}}');
    await post(served, '{}', {}, '?writeKey=OWN-KEY');
    const [first, second] = served.store.events;
    expect(first).toMatchObject({
      type: 'track',
      event: 'webhook_source_event',
      properties: { a: { b: [1, null] } },
      context: { ip: '127.0.0.1' },
      receipt: { source: 'crm', vendor: 'rudderstack', verifiedBy: 'write-key' },
    });
    expect(first?.['anonymousId']).toMatch(UUID_V4);
    expect(second?.['anonymousId']).not.toBe(first?.['anonymousId']);
    expect(second).toMatchObject({ receipt: { source: 'hooks', authenticated: true } });
  });

  it('without a body has no properties', async () => {
    expect(await propertiesOf('')).toEqual({});
  });

  it.each(['[1,{"a":2}]', '"text"', '7', 'true', 'null'])(
    'that is no object, as %s, is kept under body',
    async (text) => {
      expect(await propertiesOf(text)).toEqual({ body: JSON.parse(text) });
    },
  );

  it('loses characters of code 0, escaped, raw and in names, and keeps what only looks like one', async () => {
    const text = '{"a\\u0000":"x\\u0000y","b":["\\u0000"],\0"c":"\\\\u0000"}';
    expect(await propertiesOf(text)).toEqual({ a: 'xy', b: [''], c: '\\u0000' });
    expect(await propertiesOf('a=%00x', FORM)).toEqual({ a: ['x'] });
  });

  it('loses keys of prototypes, in every kind of body', async () => {
    expect(await propertiesOf('{"__proto__":{"x":1},"a":1}')).toEqual({ a: 1 });
    expect(await propertiesOf('__proto__=1&a=1', FORM)).toEqual({ a: ['1'] });
    const form = new FormData();
    form.append('__proto__', new Blob(['x']), 'a.txt');
    expect(JSON.stringify(await propertiesOf(form))).toBe('{"Value":{},"File":{}}');
  });
});

describe('a form', () => {
  it('gives every value as an array of texts, and brackets mean nothing', async () => {
    const properties = { 'a[b]': ['1'], c: [''], é: ['ü x'] };
    expect(await propertiesOf('a%5Bb%5D=1&c=&%C3%A9=%C3%BC+x', FORM)).toEqual(properties);
    const labelled = { 'content-type': 'Application/x-www-form-urlencoded; charset=utf-8' };
    expect(await propertiesOf('a=1', labelled)).toEqual({ a: ['1'] });
  });

  it('without its label is no JSON', async () => {
    const served = await webhook();
    const refused = [400, 'Malformed JSON in request body\n'];
    expect(await post(served, 'a=1', { 'content-type': 'text/plain' })).toEqual(refused);
  });

  it('that is not UTF-8 is refused', async () => {
    const served = await webhook();
    expect(await post(served, 'a=%ff', FORM)).toEqual([400, 'error during parsing form\n']);
    expect(served.store.deliveries).toEqual([]);
  });
});

describe('a multipart body', () => {
  it('has its fields apart from its files, of which the content is not kept', async () => {
    const form = new FormData();
    form.append('a', '1');
    form.append('a', '2');
    form.append('b', 'x');
    form.append('f', new Blob(['hello'], { type: 'text/plain' }), '../hello.txt');
    expect(await propertiesOf(form)).toEqual({
      Value: { a: ['1', '2'], b: ['x'] },
      File: {
        f: [
          {
            Filename: 'hello.txt',
            Header: {
              'Content-Disposition': ['form-data; name="f"; filename="../hello.txt"'],
              'Content-Type': ['text/plain'],
            },
            Size: 5,
          },
        ],
      },
    });
  });

  it('that is none is refused', async () => {
    const served = await webhook();
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const refused = [400, 'error during parsing multiform\n'];
    expect(await post(served, '{"a":1}', headers)).toEqual(refused);
  });
});

describe('a GET', () => {
  it('becomes an event of its query, without the write key', async () => {
    const served = await webhook();
    const answer = await served.ask(`/v1/webhook?writeKey=${KEY}&a=1&b=x%20y&b=2&c`);
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(served.store.events).toMatchObject([
      { event: 'webhook_source_event', properties: { a: '1', b: ['x y', '2'], c: '' } },
    ]);
    expect(JSON.stringify(served.store.deliveries)).not.toContain(KEY);
  });

  it('is refused like a POST', async () => {
    const { ask, store } = await webhook();
    const answer = await ask('/v1/webhook?writeKey=nope&a=1');
    expect([answer.status, await answer.text()]).toEqual([401, 'invalid write key\n']);
    expect(store.deliveries).toEqual([]);
  });
});

describe('the write key', () => {
  const basic = (user: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}`,
  });

  it('is the Basic user name where the query has none', async () => {
    const served = await webhook();
    expect(await post(served, '{}', basic(KEY), '')).toEqual([200, 'ok']);
    expect(await post(served, '{}', basic(KEY), '?writeKey=')).toEqual([200, 'ok']);
    expect(await post(served, '{}', basic('nope'), '')).toEqual([401, 'invalid write key\n']);
    expect(served.store.events).toHaveLength(2);
  });

  it('of the query is the one that counts, also where it is wrong', async () => {
    const served = await webhook();
    const refused = [401, 'invalid write key\n'];
    expect(await post(served, '{}', basic(KEY), '?writeKey=nope')).toEqual(refused);
  });

  it('in the body is none', async () => {
    const served = await webhook();
    expect(await post(served, `{"writeKey":"${KEY}"}`, {}, '')).toEqual([
      401,
      'failed to read writekey from query params\n',
    ]);
  });

  it('that is not listed can be quarantined with its event', async () => {
    const served = await webhook({ onUnauthenticated: 'quarantine', requestDetails: true });
    expect(await post(served, '{"a":1}', {}, '?writeKey=wrong-key')).toEqual([200, 'ok']);
    expect(served.store.quarantined).toMatchObject([
      { source: 'hooks', reason: 'unauthenticated' },
    ]);
    expect(served.store.quarantined[0]?.raw).not.toContain('wrong-key');
  });
});

describe('requestDetails', () => {
  const detailsOf = async (query: string, headers: Record<string, string>) => {
    const served = await webhook({ requestDetails: true, path: '/in' });
    const answer = await served.ask(`/in/v1/webhook${query}`, {
      method: 'POST',
      body: '{}',
      headers: { ...headers, host: 'ignored' },
    });
    expect(answer.status).toBe(200);
    return served.store.events[0]?.['context'] as Record<string, unknown>;
  };

  it('puts the request into the context, lists of one unwrapped', async () => {
    const context = await detailsOf(`?writeKey=${KEY}&a=1&b=2&b=3`, { 'x-custom-thing': 'v' });
    expect(context).toMatchObject({
      method: 'POST',
      url: '/in/v1/webhook?writeKey=***&a=1&b=2&b=3',
      proto: 'HTTP/1.1',
      headers: { 'X-Custom-Thing': 'v', 'Content-Length': '2' },
      query_parameters: { a: '1', b: ['2', '3'] },
    });
    expect(context['headers']).not.toHaveProperty('Host');
  });

  it('holds no credential, wherever it came', async () => {
    const context = await detailsOf('?writeKey=OWN-KEY&write%4Bey=OWN%2DKEY', {
      authorization: 'Bearer of-something-else',
      cookie: 'session=of-somebody',
      referer: 'https://example.com/?writeKey=OWN-KEY',
      'x-original-key': 'OWN-KEY',
    });
    expect(context).toMatchObject({ headers: { Authorization: '***', Cookie: '***' } });
    expect(JSON.stringify(context)).not.toMatch(/OWN|of-some/);
  });
});

describe('beside a tracking API on the same path', () => {
  it('takes its own path, and leaves the API the others', async () => {
    const keys = { path: '/', verify: [], writeKeys: [{ key: KEY }] };
    const api = createTrackingApiSource('sdk', sourceConfig({ type: 'tracking-api', ...keys }));
    const hooks = createWebhookSource('hooks', sourceConfig({ type: 'webhook-source', ...keys }));
    const { ask, store } = await serve([api, hooks]);
    await ask(`/v1/webhook?writeKey=${KEY}`, { method: 'POST', body: '{}' });
    await ask(`///v1/webhook//?writeKey=${KEY}`, { method: 'POST', body: '{}' });
    await ask(`/v1/track?writeKey=${KEY}`, { method: 'POST', body: '{"event":"E","userId":"u"}' });
    expect(store.events).toMatchObject([
      { receipt: { source: 'hooks' } },
      { receipt: { source: 'hooks' } },
      { receipt: { source: 'sdk' } },
    ]);
    expect((await ask('/v1/webhook/below', { method: 'POST', body: '{}' })).status).toBe(404);
    expect((await ask('/v1/webhook', { method: 'PUT', body: '{}' })).status).toBe(405);
  });
});
