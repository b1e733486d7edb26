import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import type { SinkContext } from '../../../src/sinks/sink.js';
import {
  createSegmentSink,
  type SegmentOptions,
  segmentSink,
} from '../../../src/sinks/tracking-api/segment.js';
import { sinkContext, sinkEvent } from '../events.js';
import {
  BASIC,
  failed,
  never,
  using,
  type VendorServer,
  vendorServer,
  WRITE_KEY,
} from './setup.js';

const NOW = Date.parse('2026-03-04T05:06:07.890Z');
const at = (now: () => number): SinkContext => ({
  ...sinkContext(),
  clock: { ...systemClock, now },
});

let server: VendorServer;
beforeEach(async () => {
  server = await vendorServer('segment');
});
afterEach(() => server.target.close());

const open = (options: Partial<SegmentOptions> = {}, context: SinkContext = at(() => NOW)) =>
  createSegmentSink(
    { writeKey: WRITE_KEY, endpoint: server.url, gzip: false, loopGuard: true, ...options },
    context,
  );
const bodies = () => server.target.received.map(({ body }) => JSON.parse(body));

describe('segment: a request', () => {
  it('is a batch with the time of sending, under the write key', async () => {
    await using(await open({ endpoint: `${server.url}/base/` }), (sink) =>
      sink.deliver([sinkEvent('a'), sinkEvent('b')], never()),
    );
    const [request] = server.target.received;
    expect(request).toMatchObject({
      method: 'POST',
      url: '/base/v1/batch',
      headers: {
        authorization: BASIC,
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^Trackbridge\/\d/),
      },
    });
    expect(request?.headers).not.toHaveProperty('content-encoding');
    const [body] = bodies();
    expect(Object.keys(body)).toEqual(['batch', 'sentAt', 'writeKey']);
    expect(body).toMatchObject({
      batch: [{ messageId: 'a' }, { messageId: 'b' }],
      sentAt: '2026-03-04T05:06:07.890Z',
      writeKey: WRITE_KEY,
    });
    for (const message of body.batch) {
      expect(message).not.toHaveProperty('writeKey');
      expect(message).not.toHaveProperty('receipt');
      expect(message).toMatchObject({
        timestamp: '2026-01-02T03:04:05.000Z',
        context: { trackbridge: { hops: ['this-bridge'] } },
      });
    }
  });

  it('says the time of this attempt, not of the first one', async () => {
    let now = NOW;
    const sink = await open(
      {},
      at(() => now),
    );
    server.target.answer = (_, response) => response.writeHead(503).end();
    await using(sink, async () => {
      await sink.deliver([sinkEvent('a')], never());
      now += 3_600_000;
      await sink.deliver([sinkEvent('a')], never());
    });
    expect(bodies().map(({ sentAt }) => sentAt)).toEqual([
      '2026-03-04T05:06:07.890Z',
      '2026-03-04T06:06:07.890Z',
    ]);
  });

  it('is compressed on request', async () => {
    await using(await open({ gzip: true }), (sink) => sink.deliver([sinkEvent('a')], never()));
    expect(server.target.received[0]?.headers['content-encoding']).toBe('gzip');
    expect(server.kept).toMatchObject([{ messageId: 'a' }]);
  });
});

describe('segment: its limits', () => {
  it('spread a batch over requests of at most 500 kB, and everything arrives in order', async () => {
    const batch = Array.from({ length: 60 }, (_, index) =>
      sinkEvent(`m-${index}`, { properties: { text: 'é'.repeat(15_000) } }),
    );
    const results = await using(await open(), (sink) => sink.deliver(batch, never()));
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(server.kept.map(({ messageId }) => messageId)).toEqual(
      batch.map(({ messageId }) => messageId),
    );
    for (const { body } of server.target.received) {
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(500_000);
    }
    expect(server.target.received).toHaveLength(4);
  });

  it('spread a batch over requests of at most 2,500 events, of which Segment drops what is beyond', async () => {
    expect(segmentSink.maxBatch?.({} as never)).toBe(2_500);
    const batch = Array.from({ length: 2_501 }, (_, index) => sinkEvent(`${index}`));
    // Small ones: it is their number that counts.
    const small = batch.map((each) => sinkEvent(each.messageId, { event: 'E', receipt: {} }));
    await using(await open(), (sink) => sink.deliver(small, never()));
    expect(bodies().every(({ batch: sent }) => sent.length <= 2_500)).toBe(true);
    expect(server.kept).toHaveLength(2_501);
  });

  it('make an event over 32 kB a dead letter that says so, and only that', async () => {
    const big = sinkEvent('big', { properties: { text: 'x'.repeat(40_900) } });
    const results = await using(await open(), (sink) =>
      sink.deliver([sinkEvent('a'), big, sinkEvent('b')], never()),
    );
    expect(results).toEqual([
      { ok: true },
      {
        ok: false,
        retryable: false,
        message: expect.stringMatching(
          /^over Segment's limit of 32 kB per event \(41,\d{3} bytes\)$/,
        ),
      },
      { ok: true },
    ]);
    expect(server.kept).toMatchObject([{ messageId: 'a' }, { messageId: 'b' }]);
  });

  it('let an event of exactly 32 kB through', async () => {
    const sized = (text: string) => sinkEvent('m', { properties: { text } });
    await using(await open(), async (sink) => {
      await sink.deliver([sized('')], never());
      const rest = 32_768 - Buffer.byteLength(JSON.stringify(server.kept[0]));
      expect(await sink.deliver([sized('x'.repeat(rest))], never())).toEqual([{ ok: true }]);
      const over = await sink.deliver([sized('x'.repeat(rest + 1))], never());
      expect(over).toMatchObject([
        { ok: false, message: expect.stringContaining('(32,769 bytes)') },
      ]);
    });
  });

  it('hold what Segment would answer 200 and drop', async () => {
    const dropped = [
      sinkEvent('1', { type: 'delete' }),
      sinkEvent('2', { type: 'record' }),
      sinkEvent('3', { type: 'group' }),
      sinkEvent('4', { userId: '' }),
    ];
    const results = await using(await open(), (sink) => sink.deliver(dropped, never()));
    expect(results.map((result) => (result.ok ? '' : result.message))).toEqual([
      expect.stringContaining('does not accept delete'),
      expect.stringContaining('does not accept events of type record'),
      expect.stringContaining('groupId'),
      expect.stringContaining('neither'),
    ]);
    expect(results).toMatchObject(dropped.map(() => ({ ok: false, retryable: false })));
    expect(server.target.received).toEqual([]);
  });

  it('end an event that goes around through bridges which do not know each other', async () => {
    const hops = Array.from({ length: 16 }, (_, index) => `bridge-${index}`);
    const tired = sinkEvent('a', { context: { trackbridge: { hops } } });
    const fresh = sinkEvent('b', { context: { trackbridge: { hops: hops.slice(1) } } });
    const results = await using(await open(), (sink) => sink.deliver([tired, fresh], never()));
    expect(results).toMatchObject([
      { ok: false, retryable: false, message: expect.stringContaining('16 receivers') },
      { ok: true },
    ]);
  });
});

describe('segment: an answer', () => {
  it.each([
    [400, false, 'Segment answered 400 Bad Request'],
    [413, false, 'Segment answered 413 Payload Too Large'],
    [422, false, 'Segment answered 422 Unprocessable Entity'],
    [
      401,
      true,
      'Segment answered 401 Unauthorized: it does not accept the write key or token; check sinks.under-test',
    ],
    [403, true, 'Segment answered 403 Forbidden: it does not accept'],
    [
      404,
      true,
      "Segment answered 404 Not Found: this is not Segment's tracking API; check sinks.under-test.endpoint",
    ],
    [
      307,
      true,
      'Segment answered 307 Temporary Redirect (redirects are not followed): this is not',
    ],
    [405, true, 'Segment answered 405 Method Not Allowed'],
    [429, true, 'Segment answered 429 Too Many Requests'],
    [500, true, 'Segment answered 500 Internal Server Error'],
    [600, true, 'Segment answered 600'],
  ])('of %i is tried again: %s', async (status, retryable, message) => {
    server.target.answer = (_, response) => response.writeHead(status).end('because\n');
    const [result] = await using(await open(), (sink) => sink.deliver([sinkEvent('a')], never()));
    expect(result).toMatchObject({ ok: false, retryable, farSide: 'because' });
    expect(result).toMatchObject({ message: expect.stringContaining(message) });
  });

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'x-ratelimit-reset': '9' }, 9_000],
    [{ 'retry-after': '7', 'x-ratelimit-reset': '9' }, 7_000],
    [{ 'x-ratelimit-reset': 'soon' }, undefined],
  ])('of 429 with %j is waited for', async (headers, retryAfter) => {
    server.target.answer = (_, response) => response.writeHead(429, headers).end();
    const [result] = await using(await open(), (sink) => sink.deliver([sinkEvent('a')], never()));
    expect(Object(result).retryAfter).toBe(retryAfter);
  });

  it('of 400 to several events fails the batch, for the dispatcher to halve it', async () => {
    server.target.answer = (_, response) => response.writeHead(400).end();
    const sink = await open();
    const error = await using(sink, () =>
      failed(sink.deliver([sinkEvent('a'), sinkEvent('b')], never())),
    );
    expect(error.retryable).toBe(false);
  });

  it('of 400 to a later request leaves alone what has arrived, and fails only the event that is the cause', async () => {
    const batch = Array.from({ length: 40 }, (_, index) =>
      sinkEvent(`m-${index}`, { properties: { text: 'x'.repeat(20_000) } }),
    );
    const usual = server.target.answer;
    server.target.answer = (request, response) => {
      if (request.body.includes('"m-30"')) response.writeHead(400).end();
      else usual(request, response);
    };
    const results = await using(await open(), (sink) => sink.deliver(batch, never()));
    expect(results).toEqual(
      batch.map((_, index) =>
        index === 30
          ? { ok: false, retryable: false, message: 'Segment answered 400 Bad Request' }
          : { ok: true },
      ),
    );
    const others = batch.map(({ messageId }) => messageId).filter((id) => id !== 'm-30');
    expect(server.kept.map(({ messageId }) => messageId)).toEqual(others);
  });

  it('that asks for patience stops the batch where it is, so that nothing overtakes', async () => {
    const batch = Array.from({ length: 40 }, (_, index) =>
      sinkEvent(`m-${index}`, { properties: { text: 'x'.repeat(20_000) } }),
    );
    const usual = server.target.answer;
    server.target.answer = (request, response) => {
      if (server.target.received.length === 1) usual(request, response);
      else response.writeHead(429, { 'retry-after': '3' }).end();
    };
    const results = await using(await open(), (sink) => sink.deliver(batch, never()));
    expect(server.target.received).toHaveLength(2);
    expect(results.at(0)).toEqual({ ok: true });
    expect(results.at(-1)).toMatchObject({ ok: false, retryable: true, retryAfter: 3_000 });
  });
});

describe('segment: a configuration', () => {
  it.each([
    ['https://api.segment.io/v1', /remove the path from \/v1/],
    ['https://api.segment.io/v1/batch/', /remove the path from \/v1/],
    ['https://key@api.segment.io', /without user, password, query/],
    ['https://api.segment.io?a=1', /without user, password, query/],
    ['http://', /must be a complete/],
  ])('with the endpoint %s is refused', async (endpoint, message) => {
    await expect(open({ endpoint })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('with a format of ours is refused', async () => {
    const context = { ...sinkContext(), format: 'cloudevents' } as const;
    await expect(open({}, context)).rejects.toThrow('Segment accepts only its own format');
  });
});
