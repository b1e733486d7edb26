import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FirstBytes } from '../../src/http/first-byte.js';
import { createHttpServer, type HttpServer } from '../../src/http/server.js';
import { RejectionLog } from '../../src/telemetry/rejection-log.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { readableLog } from '../ingest/harness.js';
import { errorOf } from './requests.js';
import { type RawConnection, rawConnection } from './sockets.js';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const servers: HttpServer[] = [];
const clocks: FakeClock[] = [];
afterEach(async () => {
  const closing = servers.splice(0).map((server) => server.close(1));
  await Promise.all(clocks.splice(0).map((clock) => clock.advance(1)));
  await Promise.all(closing);
});

interface Options {
  readonly budget?: number;
  readonly queryLimit?: number;
  readonly maxConnections?: number;
  readonly firstBytes?: FirstBytes;
  /** Whether this process did not run for a part of the time. */
  readonly stalled?: boolean;
}

function create(listener: Listener, options: Options = {}) {
  const { budget = 4500, queryLimit = 16_384, maxConnections = 100, stalled = false } = options;
  const clock = new FakeClock();
  const { log, lines } = readableLog();
  const server = createHttpServer(
    listener,
    { budget, queryLimit, maxConnections },
    {
      clock,
      uuid: () => 'the-id',
      rejections: new RejectionLog(clock, log),
      firstBytes: options.firstBytes ?? new FirstBytes(clock),
      stalls: { tookMostOf: () => stalled },
    },
  );
  return { clock, server, lines };
}

async function serve(listener: Listener, options: Options = {}) {
  const { clock, server, lines } = create(listener, options);
  servers.push(server);
  clocks.push(clock);
  const port = (await server.listen({ host: '127.0.0.1', port: 0 }, 'server')) ?? 0;
  return { clock, server, port, lines, connect: () => rawConnection(port) };
}

const ok: Listener = (_request, response) => void response.end('taken');
const statusesOf = (text: string): string[] => text.match(/HTTP\/1\.1 \d+/g) ?? [];
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

describe('a connection on which nothing was read in time', () => {
  const budget = 200;
  const block = (ms: number): void => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };

  it('is closed without an answer where nothing was sent', async () => {
    const { connect, lines } = await serve(ok, { budget });
    expect(await (await connect()).closed()).toBe('');
    expect(lines()).toEqual([]);
  });

  it('is answered as ever where it was sent and this process was late', async () => {
    const { connect } = await serve(ok, { budget });
    const late = await connect();
    const other = await connect();
    // The server has them by then; what is written now is in the system, not read.
    other.write(GET);
    await other.until('taken');
    late.write(GET);
    block(2 * budget);
    await late.until('taken');
    expect(statusesOf(late.text())).toEqual(['HTTP/1.1 200']);
  });

  it('has another such time for its head, and is refused then', async () => {
    const { connect } = await serve(ok, { budget });
    const late = await connect();
    const other = await connect();
    other.write(GET);
    await other.until('taken');
    late.write('GET / HTTP/1.1\r\nx-');
    block(2 * budget);
    expect(await late.closed()).toMatch(/^HTTP\/1.1 408 /);
  });
});

describe('a head of which the first part was read in time', () => {
  const budget = 200;
  const block = (ms: number): void => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };
  /** A connection on which part of a head was read. */
  const begun = async (connect: () => Promise<RawConnection>): Promise<RawConnection> => {
    const split = await connect();
    split.write('GET / HTTP/1.1\r\nho');
    // What is written before another request on another connection is read before its answer, or together with it.
    for (let count = 0; count < 2; count++) {
      const other = await connect();
      other.write(GET);
      await other.until('taken');
      other.socket.destroy();
    }
    return split;
  };

  it('is answered where the rest was there before this process ran again', async () => {
    const { connect } = await serve(ok, { budget, stalled: true });
    const split = await begun(connect);
    split.write('st: x\r\n\r\n');
    block(3 * budget);
    await split.until('taken');
    expect(statusesOf(split.text())).toEqual(['HTTP/1.1 200']);
    split.socket.destroy();
  });

  it('is answered 503, not 408, where the rest is not there and this process did not run', async () => {
    const { connect, lines } = await serve(ok, { budget, stalled: true });
    const split = await begun(connect);
    block(3 * budget);
    const text = await split.closed();
    expect(text).toMatch(/^HTTP\/1.1 503 [\s\S]*retry-after: 1\r\n/);
    expect(lines()).toMatchObject([{ code: 'BUDGET_SPENT' }]);
  });

  it('is answered 408 where only the sender was late, also behind an answered request', async () => {
    const { connect } = await serve(ok, { budget });
    const split = await begun(connect);
    expect(await split.closed()).toMatch(/^HTTP\/1.1 408 /);
    const kept = await connect();
    kept.write(GET);
    await kept.until('taken');
    kept.write('GET / HTTP/1.1\r\nho');
    expect(statusesOf(await kept.closed())).toEqual(['HTTP/1.1 200', 'HTTP/1.1 408']);
  });
});

describe('a server', () => {
  it('that cannot have its port says what to do', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const { server } = create(ok);
    expect(await errorOf(() => server.listen({ host: '127.0.0.1', port }, 'admin'))).toMatchObject({
      code: 'START_FAILED',
      message: expect.stringMatching(/the port is in use; change admin.host or admin.port/),
    });
    await server.close(1);
    taken.close();
  });

  it('takes requests without Host, and expectations that are not for it', async () => {
    const { connect } = await serve(ok);
    for (const head of ['', 'host: x\r\nexpect: something-odd\r\n']) {
      const connection = await connect();
      connection.write(`GET / HTTP/1.1\r\n${head}connection: close\r\n\r\n`);
      const text = await connection.closed();
      expect(statusesOf(text)).toEqual(['HTTP/1.1 200']);
      expect(text).toContain('taken');
    }
  });

  it('asks for the body of who waits for 100-continue', async () => {
    const { connect } = await serve((request, response) => {
      request.resume().on('end', () => response.end('taken'));
    });
    const connection = await connect();
    connection.write(
      'POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 2\r\n\r\n',
    );
    await connection.until('100 Continue');
    connection.write('{}');
    expect(statusesOf(await connection.closed())).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
  });

  it('is no proxy', async () => {
    const { connect } = await serve(ok);
    const connection = await connect();
    connection.write('CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\n\r\n');
    const text = await connection.closed();
    expect(text).toMatch(/^HTTP\/1.1 405 /);
    expect(text).toContain('allow: POST, ');
    expect(text).toContain('application/problem+json');
    expect(text).toContain('x-request-id: the-id');
  });

  it('answers who has sent all and shut its half of the connection', async () => {
    const { connect } = await serve((request, response) => {
      // The end of the sender's half has been read by then.
      request.socket.once('end', () => setImmediate(() => response.end('taken')));
      request.resume();
    });
    const connection = await connect();
    connection.socket.end('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
    const text = await connection.closed();
    expect(statusesOf(text)).toEqual(['HTTP/1.1 200']);
    expect(text).toContain('taken');
  });

  it('closes a kept connection whose sender has shut its half, and refuses what it left unfinished', async () => {
    const { connect } = await serve(ok);
    const idle = await connect();
    idle.write(GET);
    await idle.until('taken');
    idle.socket.end();
    expect(statusesOf(await idle.closed())).toEqual(['HTTP/1.1 200']);
    const unfinished = await connect();
    unfinished.socket.end(`${GET}GET / HT`);
    expect(statusesOf(await unfinished.closed())).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });
});

describe('what is not HTTP', () => {
  it.each([
    ['a line that is none', 'NONSENSE\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    ['a header over the limit', `GET /?${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 431],
  ])('is a problem with an id, logged once: %s', async (_what, bytes, status) => {
    const { connect, lines } = await serve(ok);
    const connection = await connect();
    connection.write(bytes);
    const text = await connection.closed();
    expect(statusesOf(text)).toEqual([`HTTP/1.1 ${status}`]);
    expect(text).toContain('application/problem+json');
    expect(text).toContain('x-request-id: the-id');
    expect(lines()).toMatchObject([{ level: 'warn', requestId: 'the-id', status }]);
  });

  it('in a body gets one answer, whatever the listener does about it', async () => {
    const { connect } = await serve((request, response) => {
      request.resume();
      request.on('error', () => response.writeHead(400).end('the listener'));
    });
    const connection = await connect();
    connection.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n');
    expect(statusesOf(await connection.closed())).toEqual(['HTTP/1.1 400']);
  });

  it('while an answer is half sent ends the connection without another answer', async () => {
    const { connect } = await serve((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-length': '100' });
      response.write('half of it');
    });
    const connection = await connect();
    connection.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    await connection.until('half of it');
    connection.write('zz\r\n');
    const text = await connection.closed();
    expect(statusesOf(text)).toEqual(['HTTP/1.1 200']);
    expect(text.endsWith('half of it')).toBe(true);
  });

  it.each([
    ['GARBAGE', 400],
    ['CONNECT evil.example:443 HTTP/1.1', 405],
  ])('behind a good request is answered after it: %s', async (line, status) => {
    const { connect } = await serve((_request, response) => {
      // All three requests of the packet have been read by then.
      setImmediate(() => setImmediate(() => response.end('taken')));
    });
    const connection = await connect();
    connection.write(`${GET}${GET}${line}\r\n\r\n`);
    const text = await connection.closed();
    expect(statusesOf(text)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', `HTTP/1.1 ${status}`]);
    expect(text.lastIndexOf('taken')).toBeLessThan(text.indexOf('problem+json'));
  });

  it('in the body behind good requests is answered after them, once, whoever answers it', async () => {
    const { connect } = await serve((request, response) => {
      // Answers a body that is still to come at once, and a whole one after the rest of the packet has been read.
      if (request.headers['transfer-encoding'] === undefined) {
        setImmediate(() => setImmediate(() => response.end('taken')));
      } else if (request.url === '/refused') response.writeHead(404).end('refused');
    });
    const post = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`;
    for (const [path, status] of [
      ['/awaited', 400],
      ['/refused', 404],
    ] as const) {
      const connection = await connect();
      connection.write(`${GET}${GET}${post(path)}`);
      const text = await connection.closed();
      expect(statusesOf(text)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', `HTTP/1.1 ${status}`]);
    }
  });

  it('in a body that was answered before its end gets no second answer', async () => {
    const { connect, lines } = await serve((_request, response) => {
      response.writeHead(413).end('too large');
    });
    const connection = await connect();
    connection.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    await connection.until('too large');
    connection.write('zz\r\n');
    expect(statusesOf(await connection.closed())).toEqual(['HTTP/1.1 413']);
    expect(lines()).toMatchObject([{ code: 'REQUEST_MALFORMED' }]);
  });

  it('for too long is given up within the budget', async () => {
    const { connect, lines } = await serve(ok, { budget: 100 });
    const connection = await connect();
    connection.write('POST / HTTP/1.1\r\nhost: x\r\nx-slow: ');
    const text = await connection.closed();
    expect(text).toMatch(/^HTTP\/1.1 408 /);
    expect(text).toContain('application/problem+json');
    expect(lines()).toMatchObject([{ code: 'BODY_TIMEOUT' }]);
  });
});

describe('a body that goes on after its answer', () => {
  it('is let go by, so that the sender reads the answer, and counts to no other request', async () => {
    const answered = vi.fn();
    const firstBytes = Object.assign(new FirstBytes(new FakeClock()), { answered });
    const { connect } = await serve((_request, response) => void response.writeHead(413).end(), {
      firstBytes,
    });
    const connection = await connect();
    connection.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n');
    await connection.until('413');
    await vi.waitFor(() => expect(answered).toHaveBeenCalledTimes(1));
    connection.write('x'.repeat(100_000));
    await vi.waitFor(() => expect(answered).toHaveBeenCalledTimes(2));
    // The connection is good for another.
    connection.write(GET);
    await vi.waitFor(() => expect(statusesOf(connection.text())).toHaveLength(2));
    connection.socket.destroy();
  });
});

describe('a connection that is kept', () => {
  it('has no more listeners after 30 requests answered before their bodies than after one', async () => {
    const listeners = new Set<number>();
    const { connect } = await serve((request, response) => {
      const { socket } = request;
      listeners.add(socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0));
      response.writeHead(401).end('no');
    });
    const connection = await connect();
    for (let count = 1; count <= 30; count++) {
      connection.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n');
      await vi.waitFor(() => expect(statusesOf(connection.text())).toHaveLength(count), {
        interval: 2,
      });
      connection.write('later');
    }
    expect(listeners.size).toBe(1);
    connection.socket.destroy();
  });
});

describe('closing', () => {
  it('ends idle connections at once, and takes no new ones', async () => {
    const { server, connect, port } = await serve(ok);
    const connection = await connect();
    connection.write(GET);
    await connection.until('taken');
    await server.close(60_000);
    await connection.closed();
    expect(await errorOf(() => rawConnection(port))).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('waits for an answer that is on its way', async () => {
    let finish = (): void => undefined;
    const { server, connect } = await serve((_request, response) => {
      finish = () => void response.end('after all');
      response.flushHeaders();
    });
    const connection = await connect();
    connection.write(GET);
    await connection.until('200');
    const closed = server.close(60_000);
    finish();
    await connection.until('after all');
    connection.socket.end();
    await closed;
  });

  it('cuts who is still there after the grace', async () => {
    const { server, clock, connect } = await serve((_request, response) => response.flushHeaders());
    const connection = await connect();
    connection.write(GET);
    await connection.until('200');
    let done = false;
    const closed = server.close(1500).then(() => {
      done = true;
    });
    await clock.advance(1499);
    expect(done).toBe(false);
    await clock.advance(1);
    await closed;
    await connection.closed();
  });

  it('is nothing for a server that never listened', async () => {
    await create(ok).server.close(1);
  });
});

describe('requests that are sent ahead of their answers', () => {
  it('end the connection where there are more than 64, and are not looked at any more', async () => {
    let handled = 0;
    const { connect, lines } = await serve(() => void handled++);
    const greedy = await connect();
    greedy.write(GET.repeat(1_000));
    expect(await greedy.closed()).toBe('');
    expect(handled).toBe(1);
    expect(lines()).toEqual([expect.objectContaining({ level: 'warn', remote: '127.0.0.1' })]);
  });

  it('are all answered where there are no more', async () => {
    const { connect } = await serve(ok);
    const eager = await connect();
    eager.write(GET.repeat(63) + GET.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
    expect(statusesOf(await eager.closed())).toHaveLength(64);
  });

  it('are looked at one at a time', async () => {
    const begun: string[] = [];
    const responses: ServerResponse[] = [];
    const { connect } = await serve((request, response) => {
      begun.push(String(request.url));
      responses.push(response);
    });
    const eager = await connect();
    eager.write(['/a', '/b', '/c'].map((path) => GET.replace('/ ', `${path} `)).join(''));
    for (const path of ['/a', '/b', '/c']) {
      await vi.waitFor(() => expect(begun.at(-1)).toBe(path));
      responses.at(-1)?.end(path);
      await eager.until(path);
    }
    expect(begun).toEqual(['/a', '/b', '/c']);
    eager.socket.destroy();
  });

  it('are waited for by nobody once their connection is gone, and not begun', async () => {
    let handled = 0;
    const { connect, server } = await serve(() => void handled++);
    const { socket, write } = await connect();
    write(GET.repeat(3));
    await vi.waitFor(() => expect(handled).toBe(1));
    const settled = server.settle(60_000);
    socket.resetAndDestroy();
    await settled;
    expect(handled).toBe(1);
  });
});

describe('connections', () => {
  const idle = async (connect: () => Promise<RawConnection>): Promise<RawConnection> => {
    const connection = await connect();
    connection.write(GET);
    await connection.until('taken');
    return connection;
  };

  it('beyond the limit close the one that is idle for the longest, and leave a line', async () => {
    const { connect, lines } = await serve(ok, { maxConnections: 2 });
    const first = await idle(connect);
    const second = await idle(connect);
    const third = await idle(connect);
    await first.closed();
    second.write(GET);
    await vi.waitFor(() => expect(statusesOf(second.text())).toHaveLength(2));
    expect(lines()).toMatchObject([
      { level: 'warn', msg: expect.stringContaining('server.maxConnections') },
    ]);
    for (const { socket } of [second, third]) socket.destroy();
  });

  it('close none at work, nor one that is trusted while there is a stranger’s', async () => {
    const finish: (() => void)[] = [];
    const { connect, server } = await serve(
      (request, response) => {
        if (request.url === '/slow') finish.push(() => void response.end('at last'));
        else {
          if (request.url === '/known') server.trust(request.socket);
          response.end('taken');
        }
      },
      { maxConnections: 3 },
    );
    const known = await connect();
    known.write(GET.replace('/ ', '/known '));
    await known.until('taken');
    const busy = await connect();
    busy.write(GET.replace('/ ', '/slow '));
    await vi.waitFor(() => expect(finish).toHaveLength(1));
    const stranger = await connect();
    const next = await idle(connect);
    expect(await stranger.closed()).toBe('');
    // Nothing but what is of use is left: the one that is trusted goes before one at work.
    next.write(GET.replace('/ ', '/slow '));
    await vi.waitFor(() => expect(finish).toHaveLength(2));
    const last = await connect();
    last.write(GET.replace('/ ', '/slow '));
    await known.closed();
    await vi.waitFor(() => expect(finish).toHaveLength(3));
    const surplus = await connect();
    expect(await surplus.closed()).toBe('');
    for (const end of finish) end();
    for (const { socket } of [busy, next, last]) socket.destroy();
  });
});
