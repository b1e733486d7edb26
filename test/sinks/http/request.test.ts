import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createHttpSink, httpSink } from '../../../src/sinks/http/sink.js';
import { sinkEvent } from '../events.js';
import { context, defaults, never, setupHttp } from './setup.js';

const http = setupHttp();

describe('http: the request', () => {
  it('sends one event with its deduplication key as idempotency key', async () => {
    const sink = await http.open();
    await sink.deliver([sinkEvent('m-1')], never());
    const [{ method, url, headers, body } = http.target.received[0] ?? expect.fail()] =
      http.target.received;
    expect({ method, url, body }).toEqual({
      method: 'POST',
      url: '/hook?a=1',
      body: sinkEvent('m-1').json,
    });
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': 'segment:m-1',
      'user-agent': expect.stringMatching(/^Trackbridge\/\d+\.\d+\.\d+/),
      'content-length': String(sinkEvent('m-1').json.length),
    });
  });

  it('names an event by a hash where its key cannot stand in a header', async () => {
    const sink = await http.open();
    const [result] = await sink.deliver([sinkEvent('m\r\nx: y')], never());
    expect(result).toEqual({ ok: true });
    const expected = createHash('sha256').update('segment:m\r\nx: y', 'utf16le').digest('hex');
    expect(http.target.received[0]?.headers['idempotency-key']).toBe(`sha256:${expected}`);
  });

  it('names the same batch the same, and another batch differently', async () => {
    const sink = await http.open({ body: 'array' });
    const names = [];
    for (const ids of [['a', 'b'], ['a', 'b'], ['a,b'], ['b', 'a']]) {
      await sink.deliver(
        ids.map((id) => sinkEvent(id)),
        never(),
      );
      names.push(http.target.received.at(-1)?.headers['idempotency-key']);
    }
    expect(names[0]).toBe(names[1]);
    expect(new Set(names).size).toBe(3);
  });

  it('sends a batch as an object with the time of sending', async () => {
    const sink = await http.open({ body: 'batch' });
    await sink.deliver([sinkEvent('a'), sinkEvent('b')], never());
    expect(JSON.parse(http.target.received[0]?.body ?? '')).toEqual({
      batch: [sinkEvent('a').event, sinkEvent('b').event],
      sentAt: '2026-01-02T03:04:05.678Z',
    });
  });

  it('lets configured headers win, in any case, and sends the credentials of the URL', async () => {
    const url = `http://me:p%40ss@127.0.0.1:${http.target.port}/`;
    const sink = await http.open({
      url,
      method: 'PUT',
      headers: { 'Content-Type': 'text/x', 'X-A': '1' },
    });
    await sink.deliver([sinkEvent('a')], never());
    expect(http.target.received[0]).toMatchObject({
      method: 'PUT',
      headers: {
        'content-type': 'text/x',
        'x-a': '1',
        authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
      },
    });
  });

  it('lets a configured idempotency key win, and no configured signature', async () => {
    const headers = { 'Idempotency-Key': 'mine', 'X-Signature': 'mine' };
    const sign = { scheme: 'segment-signature', secret: 'secret', format: 'base64' } as const;
    const sink = await http.open({ headers, sign });
    await sink.deliver([sinkEvent('a')], never());
    expect(http.target.received[0]?.headers).toMatchObject({
      'idempotency-key': 'mine',
      'x-signature': expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });

  it.each([
    ['event', 'application/cloudevents+json'],
    ['array', 'application/cloudevents-batch+json'],
    ['batch', 'application/json'],
  ] as const)('labels CloudEvents as %s %s', async (body, type) => {
    const sink = await http.open({ body }, { format: 'cloudevents' });
    await sink.deliver([sinkEvent('a')], never());
    expect(http.target.received[0]?.headers['content-type']).toBe(type);
  });

  it.each([
    ['event', (body: string) => body],
    ['batch', (body: string) => body],
    ['array', () => sinkEvent('a', { name: 'Zoë' }).json],
  ] as const)('signs as Segment does with body %s', async (body, signed) => {
    const sign = { scheme: 'segment-signature', secret: 'sécret', format: 'base64' } as const;
    const sink = await http.open({ body, sign });
    const events = [sinkEvent('a', { name: 'Zoë' }), sinkEvent('b')];
    await sink.deliver(body === 'event' ? events.slice(0, 1) : events, never());
    const { headers, body: sent } = http.target.received[0] ?? expect.fail();
    const expected = createHmac('sha1', 'sécret').update(signed(sent)).digest('hex');
    expect(headers['x-signature']).toBe(expected);
  });

  it.each([
    ['whsec_c2VjcmV0LWtleQ==', 'base64', 'secret-key', 'm-1'],
    ['c2VjcmV0LWtleQ==', 'base64', 'secret-key', 'm-1'],
    ['plain-secret', 'raw', 'plain-secret', 'm.with.dots'],
    ['whsec_c2VjcmV0LWtleQ==', 'raw', 'secret-key', 'm-1'],
  ] as const)('signs by Standard Webhooks under %s, %s', async (secret, format, key, id) => {
    const sink = await http.open({ sign: { scheme: 'standard-webhooks', secret, format } });
    await sink.deliver([sinkEvent(id)], never());
    const { headers, body } = http.target.received[0] ?? expect.fail();
    const name = String(headers['webhook-id']);
    expect(name).toMatch(id.includes('.') ? /^sha256:[0-9a-f]{64}$/ : /^segment:m-1$/);
    expect(headers['webhook-timestamp']).toBe('1767323045');
    const expected = createHmac('sha256', key)
      .update(`${name}.1767323045.${body}`)
      .digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${expected}`);
  });

  it('signs with every secret while they change', async () => {
    const sign = { scheme: 'standard-webhooks', format: 'raw', secrets: ['new', 'old'] } as const;
    const sink = await http.open({ sign });
    await sink.deliver([sinkEvent('m-1')], never());
    const { headers, body } = http.target.received[0] ?? expect.fail();
    const signed = (key: string): string =>
      createHmac('sha256', key).update(`segment:m-1.1767323045.${body}`).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signed('new')} v1,${signed('old')}`);
  });

  it('compresses bodies, and signs what they contain', async () => {
    const sign = { scheme: 'segment-signature', secret: 'secret', format: 'base64' } as const;
    const sink = await http.open({ body: 'batch', compression: 'gzip', sign });
    const events = [sinkEvent('a', { name: 'Zoë' }), sinkEvent('b')];
    await sink.deliver(events, never());
    // The target has undone the compression.
    const { headers, body } = http.target.received[0] ?? expect.fail();
    expect(headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(body).batch).toEqual(events.map(({ event }) => event));
    const expected = createHmac('sha1', 'secret').update(body).digest('hex');
    expect(headers['x-signature']).toBe(expected);
  });

  it('uses connections again', async () => {
    const sink = await http.open();
    for (let i = 0; i < 50; i++) await sink.deliver([sinkEvent(`m-${i}`)], never());
    // A second one, as undici may take the first for busy in the moment its answer ends.
    expect(http.target.connections().opened).toBeLessThanOrEqual(2);
  });

  it.each([
    [{ url: 'ftp://x/' }, 'url: must be a complete http:// or https:// URL'],
    [{ headers: { 'a b': 'x' } }, 'headers: Header name must be a valid HTTP token ["a b"]'],
    [{ headers: { a: 'secret\r\nb: c' } }, 'headers: Invalid character in header content ["a"]'],
    [
      { headers: { 'Content-Length': '1' } },
      'headers: content-length is set by Trackbridge; remove it',
    ],
    [
      { sign: { scheme: 'standard-webhooks', secret: 'whsec_?', format: 'base64' } as const },
      'sign: what follows whsec_ must be base64',
    ],
    [
      { sign: { scheme: 'standard-webhooks', secret: 'a secret', format: 'base64' } as const },
      'sign: a secret without whsec_ must be base64; set format: raw if its text is the key',
    ],
    [
      { sign: { scheme: 'segment-signature', format: 'base64' } as const },
      'sign: set secret or secrets, not both',
    ],
    [
      { retryOn: [409, '4xx'], dropOn: ['4xx'] },
      'dropOn: 4xx is in another list, too; remove it from one',
    ],
  ])('refuses the options %j', (options, message) => {
    const create = () => createHttpSink({ ...defaults, url: 'http://x/', ...options }, context);
    expect(create).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message }));
  });

  it('takes one event at a time where each is a request of its own', () => {
    expect(httpSink.maxBatch?.({ ...defaults, url: 'http://x/', body: 'event' })).toBe(1);
    expect(httpSink.maxBatch?.({ ...defaults, url: 'http://x/', body: 'array' })).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});
