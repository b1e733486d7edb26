import { connect } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  type Receiver,
  readEvents,
  startReceiver,
  wholeLines,
} from '../support/receiver.js';
import { sign, trackText } from '../support/sender.js';

const SECRET = 'a-secret-of-the-test';
let receiver: Receiver;
let file: string;

beforeAll(async () => {
  receiver = await startReceiver({
    config: {
      server: { port: 0, bodyLimit: '64kb', queryLimit: '32kb' },
      sources: {
        segment: {
          type: 'segment',
          path: '/segment',
          verify: { scheme: 'segment-signature', secrets: [SECRET] },
          cors: { origins: ['https://app.example'] },
        },
        rudderstack: {
          type: 'rudderstack',
          path: '/rudderstack',
          verify: { scheme: 'shared-secret', secrets: [SECRET] },
        },
        slow: {
          type: 'segment',
          path: '/limited',
          verify: { scheme: 'none' },
          rateLimit: { perSecond: 0.01, burst: 1 },
        },
        open: { type: 'segment', path: '/open', verify: { scheme: 'none' } },
        lenient: {
          type: 'segment',
          path: '/lenient',
          verify: { scheme: 'shared-secret', secrets: [SECRET] },
          onUnauthenticated: 'quarantine',
          untyped: { as: 'track', event: 'Untyped' },
        },
      },
      sinks: { archive: { type: 'file', path: './events.ndjson', batch: { wait: '1ms' } } },
    },
  });
  file = `${receiver.directory}/events.ndjson`;
});
afterAll(async () => {
  expect(await receiver.end()).toBe(0);
});

const ACCEPTED = (accepted: number, duplicates = 0, quarantined = 0): object => ({
  status: 'accepted',
  accepted,
  duplicates,
  quarantined,
});
const post = (
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(receiver.url + path, { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers });
const segment = (
  body: string | Buffer,
  headers: Record<string, string> = {},
  bytes: string | Buffer = body,
) => post('/segment', bytes, { 'x-signature': sign(body, SECRET), ...headers });
const rudderstack = (
  method: string,
  path: string,
  body?: string,
  headers = {},
): Promise<Response> =>
  fetch(`${receiver.url}/rudderstack${path}`, {
    method,
    headers: { 'x-signature': SECRET, ...headers },
    ...(body === undefined ? {} : { body }),
  });
const problem = async (response: Response): Promise<Record<string, unknown>> => {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    status: response.status,
  });
  expect(JSON.stringify(body)).not.toContain(SECRET);
  return body;
};
const stored = (messageId: string): Promise<Record<string, unknown>> =>
  eventually(
    async () => (await readEvents(file)).find((event) => event['messageId'] === messageId),
    (event) => event !== undefined,
  ).then((event) => event ?? {});
/** Bytes on a socket, and all that comes back until it is closed or `until` is seen. */
const raw = (bytes: string, until?: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(receiver.url).port), '127.0.0.1', () =>
      socket.write(bytes),
    );
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (until !== undefined && text.includes(until)) socket.destroy();
    });
    socket.once('close', () => resolve(text));
    socket.once('error', reject);
  });

describe('a delivery', () => {
  it('is answered 200 with what became of its events, and an id', async () => {
    const response = await segment(trackText('ok-1'));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(ACCEPTED(1));
    expect(response.headers.get('x-request-id')).toBe(
      ((await stored('ok-1'))['receipt'] as { deliveryId: string }).deliveryId,
    );
  });

  it('is a duplicate when its messageId was taken before, and from another source it is not', async () => {
    await segment(trackText('dup-1'));
    expect(await (await segment(trackText('dup-1'))).json()).toEqual(ACCEPTED(0, 1));
    const other = await rudderstack('POST', '', trackText('dup-1'));
    expect(await other.json()).toEqual(ACCEPTED(1));
  });

  it.each(['POST', 'PUT', 'PATCH'])('may come by %s', async (method) => {
    const body = trackText(`by-${method}`);
    const response = await fetch(`${receiver.url}/segment`, {
      method,
      body,
      headers: { 'x-signature': sign(body, SECRET) },
    });
    expect(await response.json()).toEqual(ACCEPTED(1));
  });

  it.each([
    ['gzip', 'gzip', gzipSync],
    ['deflate', 'zlib', deflateSync],
    ['deflate', 'raw', deflateRawSync],
    ['br', 'brotli', brotliCompressSync],
  ])('is signed over the bytes that %s (%s) carries', async (coding, form, compress) => {
    const body = trackText(`coded-${form}`);
    const response = await segment(
      body,
      { 'content-encoding': coding },
      compress(Buffer.from(body)),
    );
    expect(await response.json()).toEqual(ACCEPTED(1));
  });

  it('of `[]` is accepted with nothing in it', async () => {
    const response = await segment('[]');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(ACCEPTED(0));
  });

  it('of a batch has its valid events accepted and the others quarantined, with 200', async () => {
    const batch = `[${trackText('batch-1')},{"type":"nonsense"},null,${trackText('batch-1')}]`;
    expect(await (await segment(batch)).json()).toEqual(ACCEPTED(1, 1, 2));
    expect(await (await segment('[{"type":"nonsense"}]')).json()).toEqual(ACCEPTED(0, 0, 1));
  });

  it('signed over its first element leaves the others marked', async () => {
    const first = trackText('covered');
    const response = await segment(first, {}, `[${first}, ${trackText('not-covered')}]`);
    expect(await response.json()).toEqual(ACCEPTED(2));
    expect((await stored('covered'))['receipt']).toMatchObject({ authenticated: true });
    expect((await stored('not-covered'))['receipt']).toMatchObject({
      authenticated: false,
      verifiedBy: 'none',
    });
  });

  it('with an event nothing covers does not make the authentic one a duplicate', async () => {
    const first = trackText('cover');
    await segment(first, {}, `[${first},${trackText('forged', { event: 'Forged' })}]`);
    expect(await (await segment(trackText('forged', { event: 'True' }))).json()).toEqual(
      ACCEPTED(1),
    );
    expect(await (await segment(trackText('forged'))).json()).toEqual(ACCEPTED(0, 1));
  });

  it('of the Extensible Webhook is taken out of its `json` members', async () => {
    const first = trackText('wrapped-1');
    const response = await segment(
      first,
      {},
      `[{"json":${first}},{"json":${trackText('wrapped-2')}}]`,
    );
    expect(await response.json()).toEqual(ACCEPTED(2));
    expect(await stored('wrapped-2')).toMatchObject({ event: 'Order Completed' });
  });

  it.each([
    [
      'form',
      'application/x-www-form-urlencoded',
      'type=track&event=A+B&messageId=as-form&properties=%7B%22a%22%3A1%7D',
    ],
    [
      'XML',
      'application/xml',
      '<?xml version="1.0"?><root><type>track</type><event>A B</event><messageId>as-XML</messageId><properties><a>1</a></properties></root>',
    ],
    [
      'multipart',
      'multipart/form-data; boundary=b',
      ['type', 'track', 'event', 'A B', 'messageId', 'as-multipart', 'properties', '{"a":1}']
        .map((text, index) =>
          index % 2 === 0
            ? `--b\r\nContent-Disposition: form-data; name="${text}"\r\n\r\n`
            : `${text}\r\n`,
        )
        .join('')
        .concat('--b--\r\n'),
    ],
    [
      'JSON under another label',
      'text/plain',
      '{"type":"track","event":"A B","messageId":"as-JSON under another label","properties":{"a":1}}',
    ],
  ])('may be %s', async (name, type, body) => {
    expect(await (await segment(body, { 'content-type': type })).json()).toEqual(ACCEPTED(1));
    const event = await stored(`as-${name}`);
    expect(event).toMatchObject({ type: 'track', event: 'A B' });
    expect(event['properties']).toEqual({ a: name === 'XML' ? '1' : 1 });
  });

  it('that an untyped rule covers is wrapped', async () => {
    const body = '{"cool":true,"messageId":"untyped-1"}';
    const response = await post('/lenient', body, { 'x-signature': SECRET });
    expect(await response.json()).toEqual(ACCEPTED(1));
    expect(await stored('untyped-1')).toMatchObject({
      type: 'track',
      event: 'Untyped',
      properties: { cool: true },
    });
  });
});

describe('GET, DELETE and HEAD on a rudderstack source', () => {
  it('decode the query, the path names type and event', async () => {
    for (const method of ['GET', 'DELETE']) {
      const response = await rudderstack(
        method,
        `/track/Order%20Completed?price=6e%2B06&by=${method}`,
      );
      expect(await response.json()).toEqual(ACCEPTED(1));
    }
    const events = await eventually(
      () => readEvents(file),
      (all) =>
        all.filter(
          (event) => event['event'] === 'Order Completed' && 'by' in Object(event['properties']),
        ).length === 2,
    );
    expect(
      events.find((event) => (event['properties'] as { by?: string })?.by === 'DELETE'),
    ).toMatchObject({
      type: 'track',
      properties: { price: 6_000_000, by: 'DELETE' },
      receipt: { method: 'DELETE', vendor: 'rudderstack' },
    });
  });

  it('HEAD answers like GET and records nothing', async () => {
    const head = await rudderstack('HEAD', '/track/Only%20Head?a=1');
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    expect((await fetch(`${receiver.url}/rudderstack`, { method: 'HEAD' })).status).toBe(401);
    await rudderstack('GET', '/track/After%20Head');
    const events = await eventually(
      () => readEvents(file),
      (all) => all.some((event) => event['event'] === 'After Head'),
    );
    expect(events.filter((event) => event['event'] === 'Only Head')).toEqual([]);
  });

  it('take a body before the query, as the HTTP destination sends one with every method', async () => {
    const text = await raw(
      `DELETE /rudderstack?a=1 HTTP/1.1\r\nhost: x\r\nx-signature: ${SECRET}\r\nconnection: close\r\ncontent-length: ${trackText('deleted').length}\r\n\r\n${trackText('deleted')}`,
    );
    expect(text).toContain('"accepted":1');
    expect(await stored('deleted')).toMatchObject({ event: 'Order Completed' });
  });

  it('a path that names no known type is accepted, and says nothing of the event', async () => {
    expect((await rudderstack('GET', '/purchase')).status).toBe(200);
    const text = trackText('appended-path');
    expect((await rudderstack('POST', '/product/search?a=b', text)).status).toBe(200);
    expect(await stored('appended-path')).toMatchObject({ event: 'Order Completed' });
  });

  it('a POST without a body is 200 with nothing accepted', async () => {
    const response = await rudderstack('POST', '', '');
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'accepted', accepted: 0, duplicates: 0, quarantined: 0 },
    ]);
  });
});

describe('what is refused', () => {
  it('400: a body that cannot be decoded, saying where', async () => {
    const response = await segment('{"type":"track",}');
    expect(response.status).toBe(400);
    expect((await problem(response))['detail']).toMatch(/line 1/);
    expect((await post('/open', '')).status).toBe(400);
    for (const body of [
      '   ',
      '<a><b></a>',
      '\u00ff\u00fe{',
      `${'['.repeat(101)}${']'.repeat(101)}`,
    ]) {
      expect((await segment(Buffer.from(body, 'latin1'))).status, JSON.stringify(body)).toBe(400);
    }
    const broken = await segment('{}', { 'content-encoding': 'gzip' }, Buffer.from('no gzip'));
    expect(broken.status).toBe(400);
  });

  it('401: a wrong, malformed or missing signature, saying why without the right one', async () => {
    for (const headers of [
      { 'x-signature': sign('other', SECRET) },
      { 'x-signature': 'sha1=abc' },
    ]) {
      const response = await post('/segment', trackText('no'), headers);
      expect(response.status).toBe(401);
      const { detail } = await problem(response);
      expect(String(detail)).not.toContain(sign(trackText('no'), SECRET));
    }
    expect((await post('/segment', trackText('no'))).status).toBe(401);
    expect((await fetch(`${receiver.url}/rudderstack?a=1`)).status).toBe(401);
  });

  it('404 and 405: no such path, no such method', async () => {
    expect((await problem(await post('/nowhere', '{}')))['status']).toBe(404);
    const response = await fetch(`${receiver.url}/segment`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, PUT, PATCH, OPTIONS');
    await problem(response);
    expect((await rudderstack('OPTIONS', '')).status).toBe(405);
  });

  it('413 and 415: too large before and after inflating, a coding nobody knows', async () => {
    expect((await segment('x'.repeat(70_000))).status).toBe(413);
    const bomb = await segment(
      ' ',
      { 'content-encoding': 'gzip' },
      gzipSync(Buffer.alloc(10_000_000)),
    );
    expect(bomb.status).toBe(413);
    await problem(bomb);
    expect((await segment('{}', { 'content-encoding': 'zstd' })).status).toBe(415);
    expect((await segment('{}', { 'content-encoding': 'gzip, gzip' })).status).toBe(415);
  });

  it('422: a single event that is not valid, naming the place; it is kept in quarantine', async () => {
    const response = await segment('{"type":"track","event":[7],"messageId":"invalid-1"}');
    expect(response.status).toBe(422);
    expect(await problem(response)).toMatchObject({ errors: [{ path: '/event' }] });
    expect((await segment('"text"')).status).toBe(422);
    expect((await segment('null', { 'content-type': 'application/json' })).status).toBe(422);
  });

  it('429 with Retry-After: over the rate limit', async () => {
    expect((await post('/limited', trackText('limit-1'))).status).toBe(200);
    const response = await post('/limited', trackText('limit-2'));
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await problem(response);
  });

  it('431: a query over the limit, as a problem with an id', async () => {
    const response = await rudderstack('GET', `?a=${'x'.repeat(40_000)}`);
    expect(response.status).toBe(431);
    await problem(response);
    expect((await rudderstack('GET', `?a=${'x'.repeat(25_000)}`)).status).toBe(200);
  });

  it('400 from the parser: what is not HTTP, as a problem with an id', async () => {
    const text = await raw('GARBAGE\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(text).toContain('application/problem+json');
    expect(text).toMatch(/x-request-id: [0-9a-f-]{36}/);
    const both =
      'POST /segment HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n';
    expect(await raw(both)).toMatch(/^HTTP\/1.1 400 /);
  });

  it('nothing that only an operator may let pass: unauthenticated deliveries can be kept', async () => {
    const response = await post('/lenient', trackText('unauthenticated'));
    expect(await response.json()).toEqual(ACCEPTED(0, 0, 1));
  });
});

describe('around deliveries', () => {
  it('health says that the process runs and that the outbox takes writes', async () => {
    for (const path of ['/livez', '/readyz']) {
      const response = await fetch(receiver.url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('CORS is granted to the origins of the source and to no other', async () => {
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${receiver.url}/segment`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'x-signature',
        },
      });
    const allowed = await preflight('https://app.example');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(allowed.headers.get('access-control-allow-headers')).toBe('x-signature');
    expect(
      (await preflight('https://evil.example')).headers.get('access-control-allow-origin'),
    ).toBeNull();
  });

  it('`Expect: 100-continue` is honoured, several requests may come in one packet', async () => {
    const one = trackText('expect-1');
    const head = (path: string, extra: string, body: string): string =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\nx-signature: ${sign(body, SECRET)}\r\ncontent-length: ${body.length}\r\n${extra}\r\n`;
    const expected = await raw(
      `${head('/segment', 'expect: 100-continue\r\nconnection: close\r\n', one)}${one}`,
    );
    expect(expected).toMatch(/^HTTP\/1.1 100 Continue\r\n/);
    expect(expected).toContain('"accepted":1');
    const two = trackText('pipelined-1');
    const three = trackText('pipelined-2');
    const answers = await raw(
      `${head('/segment', '', two)}${two}${head('/segment', 'connection: close\r\n', three)}${three}`,
    );
    expect(answers.match(/"accepted":1/g)).toHaveLength(2);
  });

  it('the log names refused deliveries and holds neither payload nor secret', () => {
    const lines = wholeLines(receiver.stderr()).map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        source: 'segment',
        code: 'UNAUTHENTICATED',
        requestId: expect.any(String),
      }),
    );
    expect(receiver.stderr()).not.toContain(SECRET);
    expect(receiver.stderr()).not.toContain('Order Completed');
  });
});
