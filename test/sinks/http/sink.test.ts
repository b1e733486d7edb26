import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { sinkEvent } from '../events.js';
import { context, failed, never, setupHttp } from './setup.js';
import { ok } from './target.js';

const http = setupHttp();

describe('http: the answer', () => {
  it.each([
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [410, false],
    [413, false],
    [429, true],
    [500, true],
    [503, true],
    [599, true],
    [600, false],
  ])('takes %i as a failure, to be tried again: %s', async (status, retryable) => {
    http.target.answer = (_, response) =>
      response.writeHead(status, { 'retry-after': '7' }).end('no\u001b[1m\n!');
    const sink = await http.open({ body: 'array' });
    const error = await failed(sink.deliver([sinkEvent('a')], never()));
    expect(error.retryable).toBe(retryable);
    expect(error.retryAfter).toBe(retryable ? 7000 : undefined);
    expect(error.message).toMatch(/^answered \d{3}[\w -]*$/);
    const farSide = 'no\\u001b[1m\\u000a!';
    expect(error).toMatchObject({ farSide });
    expect(await (await http.open()).deliver([sinkEvent('a')], never())).toEqual([
      {
        ok: false,
        retryable,
        message: error.message,
        farSide,
        ...(retryable && { retryAfter: 7000 }),
      },
    ]);
  });

  it.each([200, 201, 202, 204, 299])('takes %i as done', async (status) => {
    http.target.answer = (_, response) => response.writeHead(status).end();
    expect(await (await http.open()).deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
  });

  it.each([
    [409, { ok: true }],
    [404, { ok: false, retryable: true }],
    [302, { ok: false, retryable: true }],
    [501, { ok: false, retryable: false }],
    [503, { ok: false, retryable: true }],
    [204, { ok: false, retryable: false }],
    [418, { ok: false, retryable: false }],
  ])('takes %i as the options say', async (status, result) => {
    http.target.answer = (_, response) => response.writeHead(status).end();
    const sink = await http.open({ success: [409], retryOn: [404, '3xx'], dropOn: [501, '2xx'] });
    expect(await sink.deliver([sinkEvent('a')], never())).toEqual([
      expect.objectContaining(result),
    ]);
  });

  it('does not follow redirects', async () => {
    http.target.answer = (_, response) => response.writeHead(307, { location: '/elsewhere' }).end();
    const sink = await http.open({ body: 'array' });
    await expect(sink.deliver([sinkEvent('a')], never())).rejects.toMatchObject({
      retryable: false,
      message: 'answered 307 Temporary Redirect (redirects are not followed)',
    });
    expect(http.target.received).toHaveLength(1);
  });

  it('stops at the first failure that may pass, so that order is kept', async () => {
    http.target.answer = ({ body }, response) =>
      response.writeHead(body.includes('"bad"') ? 400 : body.includes('"busy"') ? 503 : 200).end();
    const sink = await http.open();
    const batch = ['a', 'bad', 'busy', 'b'].map((id) => sinkEvent(id));
    expect(await sink.deliver(batch, never())).toMatchObject([
      { ok: true },
      { ok: false, retryable: false },
      { ok: false, retryable: true },
      { ok: false, retryable: true },
    ]);
    expect(http.target.received).toHaveLength(3);
  });

  it('shows no more than the beginning of an answer', async () => {
    http.target.answer = (_, response) => response.writeHead(500).end('x'.repeat(10_000));
    const error = await failed(
      (await http.open({ body: 'array' })).deliver([sinkEvent('a')], never()),
    );
    // Apart from the message, which is logged: an answer may repeat the payload.
    expect(error.message).toBe('answered 500 Internal Server Error');
    expect(error).toMatchObject({ farSide: `${'x'.repeat(200)}…` });
  });

  it('ends with its signal when no answer comes', async () => {
    http.target.answer = () => {};
    const sink = await http.open({ body: 'array' });
    const error = await failed(sink.deliver([sinkEvent('a')], AbortSignal.timeout(50)));
    expect(error).toMatchObject({
      retryable: true,
      message: 'the attempt took longer than the timeout',
    });
  });

  it('ends with its signal when the answer trickles, and keeps to the status it saw', async () => {
    const timers: NodeJS.Timeout[] = [];
    for (const [status, outcome] of [
      [200, { ok: true }],
      [503, { ok: false, retryable: true }],
    ] as const) {
      http.target.answer = (_, response) => {
        response.writeHead(status);
        timers.push(setInterval(() => response.write('.'), 5));
      };
      const sink = await http.open();
      expect(await sink.deliver([sinkEvent('a')], AbortSignal.timeout(100))).toMatchObject([
        outcome,
      ]);
    }
    for (const timer of timers) clearInterval(timer);
  });

  it('does not wait long for the end of an answer whose status it knows', async () => {
    http.target.answer = (_, response) => {
      response.write('begun');
    };
    const clock = { ...context.clock, sleep: async () => {} };
    const sink = await http.open({}, { clock });
    expect(await sink.deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
  });

  it('drops the connection of an endless answer after 64 kB', async () => {
    let sent = 0;
    let closed = (): void => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    http.target.answer = (_, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const pour = (): void => {
        while (sent < 2 ** 30 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return;
        }
      };
      response.on('drain', pour).on('close', closed);
      pour();
    };
    const sink = await http.open();
    expect(await sink.deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
    await gone;
    // What socket buffers hold goes out too; a gigabyte does not.
    expect(sent).toBeLessThan(32 * 2 ** 20);
  });

  it('takes a connection that breaks before the status for a failure that may pass', async () => {
    http.target.answer = (_, response) => response.socket?.destroy();
    const sink = await http.open({ body: 'array' });
    await expect(sink.deliver([sinkEvent('a')], never())).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+ cannot be reached: /),
    });
  });

  it('takes a status for an answer even if the connection breaks after it', async () => {
    http.target.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => response.socket?.destroy());
    };
    expect(await (await http.open()).deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
    http.target.answer = ok;
    expect(await (await http.open()).deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
  });

  it('asks for a retry when what answers is no HTTP server', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      socket.write('SSH-2.0-x\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const sink = await http.open({ url, body: 'array' });
    expect(await failed(sink.deliver([sinkEvent('a')], never()))).toMatchObject({
      retryable: true,
    });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('says on check that a host does not speak TLS, and sends it no request', async () => {
    const sink = await http.open({ url: `https://127.0.0.1:${http.target.port}/` });
    await expect(sink.check()).rejects.toThrow(
      /^https:\/\/127\.0\.0\.1:\d+ cannot be reached: .*(SSL|wrong version)/,
    );
    expect(http.target.received).toEqual([]);
  });
});

describe('http: private addresses', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1.',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '169.254.169.254',
    '[fd00:ec2::254]',
    '100.100.100.200',
    'user:password@127.0.0.1',
    '8.8.8.8@127.0.0.1',
    '①②⑦.0.0.1',
  ])('does not connect to %s unless allowed', async (host) => {
    const sink = await http.open({
      url: `http://${host}:${http.target.port}/`,
      body: 'array',
      allowPrivateAddresses: false,
    });
    const error = await failed(sink.deliver([sinkEvent('a')], never()));
    expect(error.message).toMatch(
      /is not a public address \(\w+\); set allowPrivateAddresses: true/,
    );
    expect(error.retryable).toBe(true);
    expect((await failed(sink.check())).message).toBe(error.message);
    expect(http.target.connections().opened).toBe(0);
  });

  it('does not connect to a name that resolves to a private address, and resolves it once', async () => {
    let asked = 0;
    const resolve = async () => {
      asked++;
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const url = `http://rebind.example:${http.target.port}/`;
    const sink = await http.open({ url, allowPrivateAddresses: false }, {}, resolve);
    const [result] = await sink.deliver([sinkEvent('a')], never());
    expect(result).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^rebind\.example \(127\.0\.0\.1\) is not a public address/),
    });
    expect(asked).toBe(1);
    expect(http.target.connections().opened).toBe(0);
  });

  it('connects to the address that a name resolved to where that is allowed', async () => {
    const url = `http://rebind.example:${http.target.port}/`;
    const sink = await http.open({ url }, {}, async () => [{ address: '127.0.0.1', family: 4 }]);
    expect(await sink.deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
    expect(http.target.received[0]?.headers.host).toBe(`rebind.example:${http.target.port}`);
  });

  it('does not go through a proxy that happens to be in the environment', async () => {
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
    process.env['http_proxy'] = 'http://127.0.0.1:1';
    try {
      const sink = await http.open({});
      expect(await sink.deliver([sinkEvent('a')], never())).toEqual([{ ok: true }]);
    } finally {
      delete process.env['HTTP_PROXY'];
      delete process.env['http_proxy'];
    }
  });
});
