import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { FirstBytes } from '../../../src/http/first-byte.js';
import { createHttpServer, type HttpServer } from '../../../src/http/server.js';
import { RejectionLog } from '../../../src/telemetry/rejection-log.js';
import { FakeClock } from '../../dispatch/fake-clock.js';
import { readableLog } from '../../ingest/harness.js';
import { makeCertificate } from '../../support/certificate.js';
import { rawConnection } from '../sockets.js';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
/** The beginning of a TLS record: its head without its content. */
const HANDSHAKE_BEGINS = '\u0016\u0003\u0001\u0002\u0000\u0001';

describe('a listener with TLS', () => {
  const [first, next] = [makeCertificate('localhost'), makeCertificate('localhost')];
  const limits = { budget: 300, queryLimit: 16_384, maxConnections: 10 };
  const servers: HttpServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close(1)));
  });

  async function serve(given: Partial<typeof limits> = {}) {
    const clock = new FakeClock();
    const { log, lines } = readableLog();
    const server = createHttpServer(
      (_request, response) => void response.end('taken'),
      { ...limits, ...given, tls: first },
      {
        clock,
        uuid: () => 'the-id',
        rejections: new RejectionLog(clock, log),
        firstBytes: new FirstBytes(clock),
        stalls: { tookMostOf: () => false },
      },
    );
    servers.push(server);
    const port = await server.listen({ host: '127.0.0.1', port: 0 }, 'server');
    return { server, lines, port: port ?? 0 };
  }

  async function secured(port: number, ca: string): Promise<TLSSocket> {
    const socket = connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' });
    await once(socket, 'secureConnect');
    return socket;
  }

  async function answerOf(socket: TLSSocket, request: string): Promise<string> {
    socket.write(request);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    return chunk.toString();
  }

  it('closes a connection whose handshake is not complete within the budget', async () => {
    const { lines, port } = await serve();
    const [silent, begun] = [await rawConnection(port), await rawConnection(port)];
    begun.write(HANDSHAKE_BEGINS);
    expect([await silent.closed(), await begun.closed()]).toEqual(['', '']);
    expect(lines().map(({ msg }) => msg)).toEqual(
      Array(2).fill('a connection was closed: its TLS handshake took longer than server.budget'),
    );
  });

  it('answers 408 to a head that is not complete within the budget', async () => {
    const { port } = await serve();
    const socket = await secured(port, first.cert);
    expect(await answerOf(socket, 'GET / HTTP/1.1\r\n')).toMatch(/^HTTP\/1.1 408 /);
    socket.destroy();
  });

  it('closes a connection without TLS, and says so', async () => {
    const { lines, port } = await serve();
    const plain = await rawConnection(port);
    plain.write(GET);
    expect(await plain.closed()).toBe('');
    expect(lines()).toMatchObject([
      { msg: 'a connection was closed: TLS failed on it', cause: 'ERR_SSL_HTTP_REQUEST' },
    ]);
  });

  it('counts a connection once, before and after its handshake', async () => {
    const { port } = await serve({ budget: 60_000, maxConnections: 2 });
    const waiting = await rawConnection(port);
    const socket = await secured(port, first.cert);
    expect(await answerOf(socket, GET)).toMatch(/^HTTP\/1.1 200 /);
    // The third one displaces the one that has been idle for the longest.
    const other = await secured(port, first.cert);
    expect(await waiting.closed()).toBe('');
    expect(await answerOf(socket, GET)).toMatch(/^HTTP\/1.1 200 /);
    socket.destroy();
    other.destroy();
  });

  it('gives new connections another certificate, and keeps those that are open', async () => {
    const { port, server } = await serve({ budget: 60_000 });
    const before = await secured(port, first.cert);
    server.configure({ ...limits, tls: next });
    const after = await secured(port, next.cert);
    expect(await answerOf(before, GET)).toMatch(/^HTTP\/1.1 200 /);
    expect(await answerOf(after, GET)).toMatch(/^HTTP\/1.1 200 /);
    before.destroy();
    after.destroy();
  });
});
