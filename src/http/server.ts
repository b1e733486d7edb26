import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import type { FirstBytes } from './first-byte.js';
import { OwedAnswers } from './owed-answers.js';
import { rawProblem } from './problem.js';

/** RudderStack keeps idle connections for 90 s; a server that closes first makes some of its requests fail. */
const KEEP_ALIVE = 95_000;

/** How often Node looks for heads that are late; its own 30 s would let them pass any budget. */
const CHECK_HEADS_EVERY = 50;

/** How long a sender may go on with a body after its answer, so that it reads the answer instead of a reset. */
const LINGER = 2_000;

/**
 * How many requests a connection may have sent ahead of their answers; then it is cut. Neither vendor sends any, but 64 kB,
 * which Node hands over at once, hold 3,000 small ones: 50 senders that read no answer held 2.6 GB, and nobody was answered.
 */
const MOST_AHEAD = 64;

/**
 * How many connections may wait to be accepted; the kernel caps it (`net.core.somaxconn`). Of 1,000 that came at once, those
 * over Node's 511 were not heard for a second or more: their SYN is sent again after 1, 3 and 7 s.
 */
const BACKLOG = 4_096;

export interface HttpServer {
  /** Resolves when the requests that are there now are answered, or after `graceMs`. */
  settle(graceMs: number): Promise<void>;
  /**
   * Resolves to the port, once connections are taken. Throws START_FAILED where the address cannot be had; `section` is the
   * part of the configuration to change then.
   */
  listen(host: string, port: number, section: string): Promise<number>;
  /** Takes no new connections and resolves when the last one is gone; those still there after `graceMs` are cut. */
  close(graceMs: number): Promise<void>;
}

/** The `node:http` server around a listener, with what Koa cannot see: late, oversized and malformed heads. */
export function createHttpServer(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
  config: Pick<ServerConfig, 'budget' | 'queryLimit'>,
  deps: {
    readonly clock: Clock;
    readonly log: Log;
    readonly uuid: () => string;
    readonly firstBytes?: FirstBytes;
  },
): HttpServer {
  const { clock, log, uuid, firstBytes } = deps;
  const server = createServer({
    // Node answers a request line over 16 KiB with 431, and RudderStack then drops the event.
    maxHeaderSize: config.queryLimit,
    headersTimeout: config.budget,
    // The body has the deadline of its request.
    requestTimeout: 0,
    connectionsCheckingInterval: CHECK_HEADS_EVERY,
    keepAliveTimeout: KEEP_ALIVE,
    // Node would answer a missing Host without an id and a problem; no route here depends on it.
    requireHostHeader: false,
    noDelay: true,
  });

  // Who has sent all and shut its half of the connection still waits for the answer; Node would close without one.
  Object.assign(server, { httpAllowHalfOpen: true });

  const owed = new OwedAnswers();
  /** Connections on which the head of a request was read whole. */
  const begun = new WeakSet<Socket>();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    const ahead = owed.add(socket, response);
    if (ahead > MOST_AHEAD) {
      if (!socket.destroyed) {
        log.warn(
          { remote: socket.remoteAddress },
          `a connection was cut: more than ${MOST_AHEAD} requests on it waited for answers`,
        );
        socket.destroy();
      }
      return;
    }
    begun.add(socket);
    response.once('close', () => {
      firstBytes?.answered(socket);
      if (!request.complete) {
        request.once('end', () => firstBytes?.answered(socket));
        lingerThenCut(request, socket);
      }
    });
    listener(request, response);
  };
  server.on('request', handle);
  // An `Expect` that is not 100-continue: Node would answer a bare 417; the body comes anyway.
  server.on('checkExpectation', handle);
  server.on('connection', (socket: Socket) => {
    firstBytes?.watch(socket);
    socket.once('close', () => owed.abandon(socket));
  });
  server.on('connect', (_request, socket: Socket) => {
    // Node has let go of the socket: without a listener of ours a reset would end the process.
    socket.on('error', () => socket.destroy());
    owed.endWith(
      socket,
      rawProblem(
        new TrackbridgeError('METHOD_NOT_ALLOWED', 'this is not a proxy', {
          headers: { allow: 'POST, PUT, PATCH, GET, DELETE, HEAD' },
        }),
        uuid(),
      ),
    );
  });
  const refuse = (error: NodeJS.ErrnoException, socket: Socket): void => {
    const problem = parserProblem(error, config);
    const id = uuid();
    log.warn(
      { requestId: id, code: problem.code, status: problem.status, cause: error.code },
      problem.message,
    );
    owed.endWith(socket, rawProblem(problem, id));
  };
  /**
   * Of a connection that nothing was read from in time. Under overload it may be this process that has not read yet: a 408
   * would lose the delivery, so what is there is read first. Where there is nothing, nobody waits for an answer.
   */
  const lookAgain = (socket: Socket, error: NodeJS.ErrnoException): void => {
    setImmediate(() => {
      if (socket.bytesRead === 0) {
        socket.destroy();
        return;
      }
      // Node no longer looks at the time of this head.
      const timer = setTimeout(() => {
        if (!begun.has(socket)) refuse(error, socket);
      }, config.budget).unref();
      socket.once('close', () => clearTimeout(timer));
    });
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0)
      lookAgain(socket, error);
    else refuse(error, socket);
  });

  return {
    listen: (host, port, section) => listen(server, host, port, section),
    settle: (graceMs) => settle(owed.all(), graceMs, clock),
    close: (graceMs) => close(server, graceMs, clock),
  };
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'the address is none of this machine',
  ENOTFOUND: 'the host name is not known',
  EACCES: 'this user may not use the port',
};

function lingerThenCut(request: IncomingMessage, socket: Socket): void {
  request.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER).unref();
  // Comes after the last byte and after a lost connection alike.
  request.once('close', () => clearTimeout(timer));
}

function parserProblem(
  error: NodeJS.ErrnoException,
  config: Pick<ServerConfig, 'queryLimit'>,
): TrackbridgeError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return new TrackbridgeError(
      'HEAD_TOO_LARGE',
      `request line and headers are larger than server.queryLimit (${config.queryLimit} bytes)`,
    );
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new TrackbridgeError(
      'BODY_TIMEOUT',
      'the request was not complete within server.budget',
    );
  }
  return new TrackbridgeError('REQUEST_MALFORMED', 'the request cannot be parsed as HTTP/1.1', {
    cause: error,
  });
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

async function settle(
  responses: readonly ServerResponse[],
  graceMs: number,
  clock: Clock,
): Promise<void> {
  const done = new AbortController();
  const answered = Promise.all(
    responses.map((response) => new Promise((resolve) => response.once('close', resolve))),
  );
  await Promise.race([answered, clock.sleep(graceMs, done.signal)]);
  done.abort();
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
