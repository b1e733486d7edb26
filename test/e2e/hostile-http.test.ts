import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawConnection, rawConnection } from '../http/sockets.js';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const SECRET = 'a-secret-of-the-test';
const MB = 1024 * 1024;
let receiver: Receiver;

beforeAll(async () => {
  const none = { scheme: 'none' };
  receiver = await startReceiver({
    config: {
      server: { port: 0, budget: '2s' },
      sources: {
        open: { type: 'segment', path: '/open', verify: none },
        rs: { type: 'rudderstack', path: '/rs', verify: none },
        closed: {
          type: 'rudderstack',
          path: '/closed',
          verify: { scheme: 'shared-secret', secrets: [SECRET] },
        },
      },
      sinks: { archive: { type: 'file', path: './events.ndjson', batch: { wait: '1ms' } } },
    },
  });
});
afterAll(async () => {
  // Whatever came, it is the same process, and it ends in order.
  expect(await receiver.end()).toBe(0);
});

const connection = (): Promise<RawConnection> => rawConnection(Number(new URL(receiver.url).port));
/** All that comes back for these bytes, until the other side closes; the sender's half is shut behind them. */
const send = async (bytes: string): Promise<string> => {
  const { socket, closed } = await connection();
  socket.end(bytes, 'latin1');
  return await closed();
};
const statusesOf = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));
const post = (body: string, headers = '', path = '/open'): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
const stored = async (): Promise<readonly unknown[]> =>
  (await readEvents(`${receiver.directory}/events.ndjson`)).map((event) => event['messageId']);
const untilStored = (messageId: string): Promise<readonly unknown[]> =>
  eventually(stored, (ids) => ids.includes(messageId));
/** Megabytes of memory that the process has held at most so far. */
const peak = async (): Promise<number> =>
  Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${receiver.child.pid}/status`, 'utf8'))?.[1]) /
  1024;

describe('a request whose length can be read in two ways', () => {
  const smuggled = post(trackText('smuggled'));
  const chunks = `0\r\n\r\n${smuggled}`;
  const length = String(smuggled.length);

  it.each([
    ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked', chunks],
    ['chunks and a length', 'transfer-encoding: chunked\r\ncontent-length: 5', chunks],
    ['two lengths', `content-length: 0\r\ncontent-length: ${length}`, smuggled],
    ['a length twice', 'content-length: 0\r\ncontent-length: 0', smuggled],
    ['a list of lengths', `content-length: 0, ${length}`, smuggled],
    ['a length with a sign', 'content-length: +0', smuggled],
    ['a length with letters', 'content-length: 0x0', smuggled],
    ['a length beyond 64 bits', 'content-length: 18446744073709551616', smuggled],
    ['a blank before the colon', 'content-length : 0', smuggled],
    ['a coding that is not the last', 'transfer-encoding: chunked, identity', chunks],
    ['a coding nobody knows', 'transfer-encoding: xchunked', chunks],
    ['a folded line', 'transfer-encoding:\r\n chunked', chunks],
    ['a bare line feed', 'x-a: b\ncontent-length: 0', smuggled],
    ['a bare carriage return', 'x-a: b\rcontent-length: 0', smuggled],
    ['a NUL in a header', 'x-a: \0\r\ncontent-length: 0', smuggled],
    ['a chunk size with a sign', 'transfer-encoding: chunked', `+0\r\n\r\n${smuggled}`],
    ['a chunk longer than it says', 'transfer-encoding: chunked', `1\r\n{}\r\n${chunks}`],
  ])('is refused, and nothing behind it is read: %s', async (_what, headers, rest) => {
    const text = await send(`POST /open HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${rest}`);
    expect(statusesOf(text)).toEqual([400]);
    expect(text).toContain('application/problem+json');
  });

  it('smuggled nothing in', async () => {
    await send(post(trackText('after-smuggling')));
    expect(await untilStored('after-smuggling')).not.toContain('smuggled');
  });
});

describe('several requests in one packet', () => {
  it('are answered in their order up to the first that is none, and nothing behind it is read', async () => {
    const good = (id: string): string => post(trackText(id));
    const { write, closed } = await connection();
    write(`${good('p-1')}${good('p-2')}NONSENSE\r\n\r\n${good('p-3')}`);
    expect(statusesOf(await closed())).toEqual([200, 200, 400]);
    await send(good('p-4'));
    expect(await untilStored('p-4')).not.toContain('p-3');
  });

  it.each([
    ['CONNECT evil.example:443 HTTP/1.1\r\n\r\n', 405],
    ['POST /open HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 400],
    ['POST /open HTTP/1.1\r\ncontent-length: 9\r\n\r\n{}', 400],
    ['GET /livez HT', 400],
  ])('never let a refusal overtake the answer of a stored event: %j', async (bytes, status) => {
    const text = await send(post('{"type":"track"}') + bytes);
    expect(statusesOf(text)).toEqual([200, status]);
  });

  it('are answered also where one is refused before its body has come', async () => {
    const text = await send(post('{"type":"track"}') + post('{}', '', '/nowhere') + post('[]'));
    expect(statusesOf(text)).toEqual([200, 404, 200]);
  });
});

describe('trailers', () => {
  const chunked = (path: string, id: string): string => {
    const body = trackText(id);
    return `POST ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-signature\r\n\r\n${body.length.toString(16)};a="b"\r\n${body}\r\n0\r\nx-signature: ${SECRET}\r\n\r\n`;
  };

  it('are read over and authenticate nothing', async () => {
    expect(statusesOf(await send(chunked('/open', 'trailed')))).toEqual([200]);
    expect(statusesOf(await send(chunked('/closed', 'forged')))).toEqual([401]);
    expect(await untilStored('trailed')).not.toContain('forged');
  });
});

describe('an unusual request', () => {
  const get = (target: string, version = ' HTTP/1.1', headers = ''): string =>
    `GET ${target}${version}\r\n${headers}\r\n`;
  const upgrade =
    'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n';

  it.each([
    ['HTTP/1.0', get('/rs/track/A?a=1', ' HTTP/1.0'), 200],
    ['HTTP/0.9, a line without a version', get('/livez', ''), 200],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['the first bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01', 400],
    ['a whole URL as target', get('http://anything.example/rs/track/A?a=1'), 200],
    ['* as target', 'OPTIONS * HTTP/1.1\r\n\r\n', 404],
    ['no target', 'GET  HTTP/1.1\r\n\r\n', 400],
    ['an upgrade that is not taken', post('{"type":"track"}', upgrade), 200],
    ['an expectation nobody knows', post('{"type":"track"}', 'expect: tea\r\n'), 200],
    ['a header name of 100 kB', post('{"type":"track"}', `${'a'.repeat(100_000)}: b\r\n`), 200],
    ['900 header lines', post('{"type":"track"}', 'a: b\r\n'.repeat(900)), 200],
    ['2,000 header lines', post('{"type":"track"}', 'a: b\r\n'.repeat(2_000)), 431],
    ['NUL in the path', get('/rs/track/%00'), 200],
    ['a bad escape in the path', get('/rs/track/%zz'), 200],
    ['half an escape in the query', get('/rs?a=%e'), 400],
    // Below a rudderstack source every path is accepted, and none of it names anything here: appendPath, pathParams.
    ['steps up in the path', get('/rs/../../etc/passwd'), 200],
    ['encoded steps up in the path', get('/rs/%2e%2e/%2e%2e/etc/passwd'), 200],
    ['encoded slashes', get('/rs%2ftrack'), 404],
    ['a backslash', get('/rs\\track'), 404],
    ['a fragment', get('/rs/track/A?a=1#b'), 200],
    ['a method nobody knows', get('/rs').replace('GET', 'BREW'), 400],
  ])('is answered once: %s', async (_what, bytes, status) => {
    const text = await send(bytes);
    expect(statusesOf(text)).toEqual([status]);
    if (status >= 400) expect(text).toContain('application/problem+json');
    expect(text).toMatch(/x-request-id: [0-9a-f-]{36}\r\n/i);
  });

  it('with the secret in one of two header lines is let in, as RudderStack sends them', async () => {
    const twice = (one: string, two: string): Promise<string> =>
      send(post('{"type":"track"}', `x-signature: ${one}\r\nX-Signature: ${two}\r\n`, '/closed'));
    expect(statusesOf(await twice('wrong', SECRET))).toEqual([200]);
    expect(statusesOf(await twice('wrong', 'too'))).toEqual([401]);
    // Node joins lines of one name: the two halves of a secret are no secret.
    const [left, right] = SECRET.split('-secret-');
    expect(statusesOf(await twice(String(left), String(right)))).toEqual([401]);
  });
});

describe('100 MB', () => {
  it('with their length are refused before they come', async () => {
    const { write, until, socket } = await connection();
    write(`POST /open HTTP/1.1\r\nhost: x\r\ncontent-length: ${100 * MB}\r\n\r\n`);
    await until('HTTP/1.1 413 ');
    socket.destroy();
  });

  it('in chunks are refused at the limit, and held in no memory', async () => {
    const before = await peak();
    const { write, until, socket, closed } = await connection();
    write('POST /open HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = `100000\r\n${'x'.repeat(MB)}\r\n`;
    const flood = (left: number): void => {
      if (left > 0 && socket.writable) socket.write(chunk, 'latin1', () => flood(left - 1));
      else socket.destroy();
    };
    const refused = until('HTTP/1.1 413 ');
    flood(100);
    await refused;
    await closed();
    expect((await peak()) - before).toBeLessThan(90);
  });

  it.each([
    ['in one gzip member', () => gzipSync(Buffer.alloc(100 * MB))],
    ['in many gzip members', () => Buffer.concat(Array(100).fill(gzipSync(Buffer.alloc(MB))))],
  ])('once inflated are refused at the limit, and held in no memory: %s', async (_what, make) => {
    const before = await peak();
    const response = await fetch(`${receiver.url}/open`, {
      method: 'POST',
      body: new Uint8Array(make()),
      headers: { 'content-encoding': 'gzip' },
    });
    expect(response.status).toBe(413);
    expect((await peak()) - before).toBeLessThan(90);
  });

  it('inside two codings are not looked at', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(100 * MB)));
    const sent = async (coding: string): Promise<number> => {
      const headers = { 'content-encoding': coding };
      const body = new Uint8Array(bomb);
      return (await fetch(`${receiver.url}/open`, { method: 'POST', body, headers })).status;
    };
    expect(await sent('gzip, gzip')).toBe(415);
    // Undone once: what is inside is no event.
    expect(await sent('gzip')).toBe(400);
  });
});
