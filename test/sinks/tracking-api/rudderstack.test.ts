import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createRudderstackSink,
  type RudderstackOptions,
} from '../../../src/sinks/tracking-api/rudderstack.js';
import type { SuppressionOptions } from '../../../src/sinks/tracking-api/rudderstack-suppression.js';
import { sinkContext, sinkEvent } from '../events.js';
import { type HttpTarget, httpTarget } from '../http/target.js';
import {
  BASIC,
  failed,
  never,
  using,
  type VendorServer,
  vendorServer,
  WRITE_KEY,
} from './setup.js';

let server: VendorServer;
let api: HttpTarget;
beforeEach(async () => {
  server = await vendorServer('rudderstack');
  api = await httpTarget();
});
afterEach(async () => {
  await server.target.close();
  await api.close();
});

const open = (options: Partial<RudderstackOptions> = {}) =>
  createRudderstackSink(
    { writeKey: WRITE_KEY, endpoint: server.url, gzip: true, loopGuard: true, ...options },
    sinkContext(),
  );
const suppression = (more: Partial<SuppressionOptions> = {}): SuppressionOptions => ({
  endpoint: `http://127.0.0.1:${api.port}`,
  token: 'a-service-token',
  type: 'suppress',
  sourceIds: [],
  destinationIds: [],
  ...more,
});

describe('rudderstack: a request', () => {
  it('is a compressed batch under the write key, with all times of the events', async () => {
    await using(open(), (sink) => sink.deliver([sinkEvent('a')], never()));
    const [request] = server.target.received;
    expect(request).toMatchObject({
      url: '/v1/batch',
      headers: { authorization: BASIC, 'content-encoding': 'gzip' },
    });
    const body = JSON.parse(String(request?.body));
    expect(Object.keys(body)).toEqual(['batch', 'sentAt']);
    expect(body.batch).toMatchObject([
      {
        messageId: 'a',
        timestamp: '2026-01-02T03:04:05.000Z',
        originalTimestamp: '2026-01-02T03:04:05.000Z',
        context: { trackbridge: { hops: ['this-bridge'] } },
      },
    ]);
    expect(body.batch[0]).not.toHaveProperty('receipt');
  });

  it('is at most 4 MB, and everything arrives in order', async () => {
    const batch = Array.from({ length: 9 }, (_, index) =>
      sinkEvent(`m-${index}`, { properties: { text: 'é'.repeat(500_000) } }),
    );
    const results = await using(open(), (sink) => sink.deliver(batch, never()));
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(server.target.received).toHaveLength(3);
    expect(server.kept.map(({ messageId }) => messageId)).toEqual(
      batch.map(({ messageId }) => messageId),
    );
  });

  it('is not made for an event over that, which becomes a dead letter that says so', async () => {
    const big = sinkEvent('big', { properties: { text: 'x'.repeat(4_000_000) } });
    const results = await using(open(), (sink) => sink.deliver([sinkEvent('a'), big], never()));
    expect(results).toEqual([
      { ok: true },
      {
        ok: false,
        retryable: false,
        message: expect.stringMatching(
          /^over RudderStack's limit of 4 MB per request \(4,000,\d{3} bytes\)$/,
        ),
      },
    ]);
  });

  it('is not made for an event of nobody, for which the gateway would refuse the others too', async () => {
    const nobody = sinkEvent('n', { userId: ' ' });
    const results = await using(open(), (sink) => sink.deliver([sinkEvent('a'), nobody], never()));
    expect(results).toMatchObject([{ ok: true }, { ok: false, retryable: false }]);
    expect(server.kept).toMatchObject([{ messageId: 'a' }]);
  });

  it('takes rows of a warehouse, which belong to nobody', async () => {
    const { userId: _, ...event } = sinkEvent('r', { type: 'record' }).event;
    const row = { ...sinkEvent('r'), event };
    await using(open(), (sink) => sink.deliver([row], never()));
    expect(server.kept).toMatchObject([{ messageId: 'r', type: 'record' }]);
  });
});

describe('rudderstack: a write key', () => {
  it('that is not known fails deliveries for now only, and says so', async () => {
    const results = await using(open({ writeKey: 'another-key' }), (sink) =>
      sink.deliver([sinkEvent('a'), sinkEvent('b')], never()),
    );
    const failure = {
      ok: false,
      retryable: true,
      message:
        'RudderStack answered 401 Unauthorized: the write key is unknown; check sinks.under-test.writeKey',
      farSide: 'invalid write key',
    };
    expect(results).toEqual([failure, failure]);
  });

  it('is checked without leaving anything there', async () => {
    await open().check();
    expect(server.target.received).toHaveLength(1);
    expect(server.kept).toEqual([]);
    const error = await failed(open({ writeKey: 'another-key' }).check());
    expect(error.message).toContain('the write key is unknown');
  });
});

describe('rudderstack: a deletion', () => {
  const deletion = sinkEvent('d', { type: 'delete', userId: 'u-9' });

  it('is a dead letter that says what to set', async () => {
    const results = await using(open(), (sink) =>
      sink.deliver([sinkEvent('a'), deletion], never()),
    );
    expect(results).toEqual([
      { ok: true },
      { ok: false, retryable: false, message: expect.stringContaining('set suppression') },
    ]);
  });

  it('becomes a suppression request, in its place among the events', async () => {
    const order: string[] = [];
    const usual = server.target.answer;
    server.target.answer = (request, response) => {
      order.push(
        ...JSON.parse(request.body).batch.map(({ messageId }: { messageId: string }) => messageId),
      );
      usual(request, response);
    };
    api.answer = ({ body }, response) => {
      order.push(`suppress ${JSON.parse(body).users[0].userId}`);
      response.writeHead(201).end('[]');
    };
    const batch = [sinkEvent('a'), deletion, sinkEvent('b')];
    const results = await using(open({ suppression: suppression() }), (sink) =>
      sink.deliver(batch, never()),
    );
    expect(results).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    expect(order).toEqual(['a', 'suppress u-9', 'b']);
    expect(api.received).toMatchObject([
      {
        method: 'POST',
        url: '/v2/regulations',
        headers: { authorization: 'Bearer a-service-token', 'content-type': 'application/json' },
        body: '{"regulationType":"suppress","users":[{"userId":"u-9"}]}',
      },
    ]);
  });

  it('can ask destinations to delete', async () => {
    const options = suppression({
      type: 'suppress_with_delete',
      sourceIds: ['s-1'],
      destinationIds: ['d-1', 'd-2'],
    });
    await using(open({ suppression: options }), (sink) => sink.deliver([deletion], never()));
    expect(JSON.parse(String(api.received[0]?.body))).toEqual({
      regulationType: 'suppress_with_delete',
      sourceIds: ['s-1'],
      destinationIds: ['d-1', 'd-2'],
      users: [{ userId: 'u-9' }],
    });
    const nowhere = suppression({ type: 'suppress_with_delete' });
    expect(() => open({ suppression: nowhere })).toThrow('suppression.destinationIds');
  });

  it.each([
    [400, false],
    [401, true],
    [404, true],
    [429, true],
    [503, true],
  ])(
    'that is answered %i is tried again: %s, and never shows the token',
    async (status, retryable) => {
      api.answer = ({ headers }, response) =>
        response.writeHead(status).end(`no: ${headers.authorization}`);
      const results = await using(open({ suppression: suppression() }), (sink) =>
        sink.deliver([deletion, sinkEvent('a')], never()),
      );
      expect(results).toMatchObject([{ ok: false, retryable }, { ok: !retryable }]);
      expect(JSON.stringify(results)).not.toContain('a-service-token');
      // After a failure that may pass nothing of the batch overtakes it.
      expect(server.kept).toHaveLength(retryable ? 0 : 1);
    },
  );

  it('of nobody is a dead letter', async () => {
    const { userId: _, ...event } = deletion.event;
    const results = await using(open({ suppression: suppression() }), (sink) =>
      sink.deliver([{ ...deletion, event }], never()),
    );
    expect(results).toMatchObject([
      { ok: false, retryable: false, message: expect.stringContaining('no userId') },
    ]);
    expect(api.received).toEqual([]);
  });
});
