import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { after, type Clock, turn, withinTime } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import type { RejectionLog } from '../telemetry/rejection-log.js';
import { Connections } from './connections.js';
import type { FirstBytes } from './first-byte.js';
import { HEAD_LATE, headsTooMany, isHttpFault, parserProblem } from './parser-problem.js';
import { rawProblem } from './problem.js';
import { clearSocketPath, openSocketFile } from './socket-file.js';
import type { Stalls } from './stalls.js';
import type { TlsFiles } from './tls/files.js';
import { Handshakes } from './tls/handshakes.js';
import { UnfinishedAnswers } from './unfinished-answers.js';

/** RudderStack keeps idle connections for 90 s. If the server closed them first, some of its requests would fail. */
const KEEP_ALIVE = 95_000;

/** Interval of Node's check for late heads. With its default of 30 s heads could exceed any budget. */
const CHECK_HEADS_EVERY = 50;

/** How long a sender may continue a body after its answer, so that it reads the answer instead of a reset. */
const LINGER = 2_000;

/**
 * Maximum number of unanswered requests on a connection; beyond it the connection is closed. Neither vendor pipelines,
 * but 64 kB, which Node delivers at once, hold 3,000 small requests. In a test, 50 senders that read no answers took
 * 2.6 GB, and no sender was answered.
 */
const MOST_AHEAD = 64;

/**
 * Maximum number of connections that wait to be accepted; the kernel caps it (`net.core.somaxconn`). Of 1,000
 * simultaneous connections, those over Node's default of 511 waited a second or more, because a SYN is retransmitted
 * after 1, 3 and 7 s.
 */
const BACKLOG = 4_096;

const TOO_MANY_CONNECTIONS =
  'a connection was closed: server.maxConnections or the limit of open files was reached';

const HANDSHAKE_LATE = 'a connection was closed: its TLS handshake took longer than server.budget';

const TLS_FAILED = 'a connection was closed: TLS failed on it';

/** Where to listen: on a Unix socket, if there is one. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly socket?: string;
}

export interface HttpServer {
  /** Resolves when all current requests are answered, or after `graceMs`. */
  settle(graceMs: number): Promise<void>;
  /**
   * Resolves once connections are accepted: to the port, undefined for a socket. Throws START_FAILED if the address is
   * unavailable; the error names `section` as the part of the configuration to change.
   */
  listen(at: Address, section: string): Promise<number | undefined>;
  /**
   * Stops accepting connections and resolves when the last one has closed. Closes the remaining connections after
   * `graceMs`.
   */
  close(graceMs: number): Promise<void>;
  /**
   * Applies other limits: the budget and the connections at once, `queryLimit` and the certificate to connections that
   * come later. A server without TLS stays without, and one with TLS keeps it.
   */
  configure(config: HttpServerConfig): void;
  /** Marks a connection as authenticated, so that it is not closed in favor of an unauthenticated one. */
  trust(socket: Socket): void;
}

export interface HttpServerConfig {
  /** Milliseconds. */
  readonly budget: number;
  readonly queryLimit: number;
  /** Connections open at once. */
  readonly maxConnections: number;
  /** Serves HTTPS with this certificate. */
  readonly tls?: TlsFiles;
}

export interface HttpServerDeps {
  readonly clock: Clock;
  readonly uuid: () => string;
  readonly rejections: Pick<RejectionLog, 'write'>;
  readonly firstBytes: FirstBytes;
  readonly stalls: Pick<Stalls, 'tookMostOf'>;
}

/**
 * Creates the `node:http` server around a listener. It handles what Koa cannot see: late, oversized and malformed
 * heads.
 */
export function createHttpServer(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
  initial: HttpServerConfig,
  deps: HttpServerDeps,
): HttpServer {
  let config = initial;
  const { clock, firstBytes, rejections, stalls, uuid } = deps;
  const options = {
    // By default Node answers a request line over 16 KiB with 431, and RudderStack then drops the event.
    maxHeaderSize: config.queryLimit,
    headersTimeout: config.budget,
    // The body is bound by the deadline of its request.
    requestTimeout: 0,
    connectionsCheckingInterval: CHECK_HEADS_EVERY,
    keepAliveTimeout: KEEP_ALIVE,
    // Node would answer a missing Host without a request id or a problem document. No route depends on Host.
    requireHostHeader: false,
    noDelay: true,
  };
  const secure = config.tls && createTlsServer({ ...options, ...config.tls });
  const server = secure ?? createServer(options);

  // A sender that has shut its half of the connection still waits for the answer. Node would close without one.
  Object.assign(server, { httpAllowHalfOpen: true });

  const unfinished = new UnfinishedAnswers();
  const connections = new Connections(config.maxConnections);

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    const before = unfinished.last(socket);
    const ahead = unfinished.add(socket, response);
    connections.began(socket);
    // One listener for everything: each costs a request as much as a header.
    response.once('close', () => closed(request, response));
    if (ahead > MOST_AHEAD) {
      if (!socket.destroyed) {
        cut(
          socket,
          `a connection was closed: it sent over ${MOST_AHEAD} requests without waiting for answers`,
        );
      }
      return;
    }
    // Requests of a connection are handled one at a time: neither vendor pipelines, and one unauthenticated connection
    // must not occupy 64 handlers.
    if (before === undefined) listener(request, response);
    else before.once('close', () => socket.destroyed || listener(request, response));
  };

  const closed = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    unfinished.closed(socket, response);
    firstBytes.answered(socket);
    connections.answered(socket);
    if (request.complete) return;
    request.once('end', () => firstBytes.answered(socket));
    lingerThenCut(request, socket);
  };

  const cut = (socket: Socket, text: string, cause?: string): void => {
    const own = { remote: socket.remoteAddress, ...(cause === undefined ? {} : { cause }) };
    rejections.write({ level: 'warn', kind: text, shared: {}, own, text });
    socket.destroy();
  };

  const reject = (problem: TrackbridgeError, socket: Socket, cause?: string): void => {
    const { code, message, status } = problem;
    const requestId = uuid();
    const shared = { code, status };
    const own = {
      requestId,
      remote: socket.remoteAddress,
      ...(cause === undefined ? {} : { cause }),
    };
    rejections.write({ level: 'warn', kind: `http:${code}`, shared, own, text: message });
    unfinished.endWith(socket, rawProblem(problem, requestId));
  };

  const rejectLate = (error: NodeJS.ErrnoException, socket: Socket, since: number): void => {
    reject(
      parserProblem(error, config, stalls.tookMostOf(config.budget, since)),
      socket,
      error.code,
    );
  };

  /**
   * Handles a head that is not complete in time. The cause may be that this process has not read it, so it first reads
   * what has arrived. If the request is then complete, its deadline counts from its first byte and it gets 503.
   */
  const readThenReject = async (error: NodeJS.ErrnoException, socket: Socket): Promise<void> => {
    const wereRead = socket.bytesRead > 0;
    const since = firstBytes.incompleteSince(socket);
    const before = connections.requestsOf(socket);
    const isWhole = (): boolean => connections.requestsOf(socket) > before || socket.destroyed;
    await turn();
    if (isWhole()) return;
    if (wereRead) rejectLate(error, socket, since);
    // Without any bytes there is no request to answer.
    else if (socket.bytesRead === 0) socket.destroy();
    else {
      // Bytes that have just arrived get their own time limit; Node no longer checks this socket.
      const now = clock.monotonic();
      const stop = after(config.budget, () => isWhole() || rejectLate(error, socket, now));
      socket.once('close', stop);
    }
  };

  server.on('request', handle);
  // Node would answer an `Expect` other than 100-continue with a bare 417. The sender sends the body anyway.
  server.on('checkExpectation', handle);

  /** Counts a connection. Returns whether it may stay open. */
  const admit = (socket: Socket): boolean => {
    const surplus = connections.add(socket);
    if (surplus !== undefined) cut(surplus, TOO_MANY_CONNECTIONS);
    return surplus !== socket;
  };
  const open = (socket: Socket): void => {
    if (!admit(socket)) return;
    firstBytes.watch(socket, () => reject(headsTooMany(), socket));
    socket.once('close', () => unfinished.abandon(socket));
  };
  const handshakes = new Handshakes(
    () => config.budget,
    (socket) => cut(socket, HANDSHAKE_LATE),
  );
  if (secure === undefined) server.on('connection', open);
  else {
    secure.on('connection', (socket: Socket) => {
      if (admit(socket)) handshakes.begin(socket);
    });
    secure.on('secureConnection', (socket: TLSSocket) => {
      const plain = handshakes.end(socket);
      if (plain !== undefined) connections.leave(plain);
      open(socket);
    });
  }
  server.on('connect', (_request, socket: Socket) => {
    // Node has released the socket. Without an error listener a reset would end the process.
    socket.on('error', () => socket.destroy());
    unfinished.endWith(
      socket,
      rawProblem(
        new TrackbridgeError('METHOD_NOT_ALLOWED', 'this is not a proxy', {
          headers: { allow: 'POST, PUT, PATCH, GET, DELETE, HEAD' },
        }),
        uuid(),
      ),
    );
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else if (secure !== undefined && !isHttpFault(error)) cut(socket, TLS_FAILED, error.code);
    else if (!socket.writable) socket.destroy();
    else if (error.code === HEAD_LATE) void readThenReject(error, socket);
    else reject(parserProblem(error, config, false), socket, error.code);
  });

  return {
    listen: (at, section) =>
      at.socket === undefined
        ? listen(server, at.host, at.port, section)
        : listenOnSocket(server, at.socket, section),
    settle: (graceMs) => settle(unfinished.all(), graceMs, clock),
    close(graceMs) {
      handshakes.stop();
      return close(server, graceMs, clock);
    },
    trust: (socket) => connections.trust(socket),
    configure(next) {
      config = next;
      connections.most = next.maxConnections;
      // Node reads both anew: the one at each check of the heads, the other for each connection.
      Object.assign(server, { headersTimeout: next.budget, maxHeaderSize: next.queryLimit });
      if (next.tls !== undefined) secure?.setSecureContext(next.tls);
    },
  };
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'the address does not belong to this machine',
  ENOTFOUND: 'the host name cannot be resolved',
  EACCES: 'permission denied for the port',
};

function lingerThenCut(request: IncomingMessage, socket: Socket): void {
  request.resume();
  // `close` follows both the last byte and a lost connection.
  request.once(
    'close',
    after(LINGER, () => socket.destroy()),
  );
}

function listen(server: Server, host: string, port: number, section: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = LISTEN_FAULTS[error.code ?? ''] ?? error.message;
      reject(
        new TrackbridgeError(
          'START_FAILED',
          `cannot listen on ${host}:${port}: ${why}; change ${section}.host or ${section}.port`,
          { cause: error },
        ),
      );
    });
    server.listen({ port, host, backlog: BACKLOG }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}

async function listenOnSocket(server: Server, path: string, section: string): Promise<undefined> {
  await clearSocketPath(path, section);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message = `cannot listen on ${path}: ${error.message}; change ${section}.socket`;
      reject(new TrackbridgeError('START_FAILED', message, { cause: error }));
    });
    server.listen({ path, backlog: BACKLOG }, resolve);
  });
  openSocketFile(path);
  return undefined;
}

async function settle(
  responses: readonly ServerResponse[],
  graceMs: number,
  clock: Clock,
): Promise<void> {
  const answered = Promise.all(
    responses.map((response) => new Promise((resolve) => response.once('close', resolve))),
  );
  await withinTime(answered, graceMs, clock, () => undefined);
}

function close(server: Server, graceMs: number, clock: Clock): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const done = new AbortController();
    server.close(() => {
      done.abort();
      resolve();
    });
    void clock.sleep(graceMs, done.signal).then(() => server.closeAllConnections());
  });
}
