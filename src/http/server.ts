import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import type { FirstBytes } from './first-byte.js';
import { rawProblem } from './problem.js';

/** RudderStack keeps idle connections for 90 s; a server that closes first makes some of its requests fail. */
const KEEP_ALIVE = 95_000;

/** How often Node looks for heads that are late; its own 30 s would let them pass any budget. */
const CHECK_HEADS_EVERY = 50;

/** How long a sender may go on with a body after its answer, so that it reads the answer instead of a reset. */
const LINGER = 2_000;

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

  const answering = new WeakMap<Socket, ServerResponse>();
  const open = new Set<ServerResponse>();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    answering.set(socket, response);
    open.add(response);
    response.once('close', () => {
      open.delete(response);
      firstBytes?.answered(socket);
      if (answering.get(socket) === response) answering.delete(socket);
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
  server.on('connection', (socket: Socket) => firstBytes?.watch(socket));
  server.on('connect', (_request, socket: Socket) => {
    // Node has let go of the socket: without a listener of ours a reset would end the process.
    socket.on('error', () => socket.destroy());
    socket.end(
      rawProblem(new TrackbridgeError('METHOD_NOT_ALLOWED', 'this is not a proxy'), uuid()),
    );
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const current = answering.get(socket);
    // What is broken is the rest of the current request, or the one behind it on the same connection.
    const behind = current?.req.complete === true;
    // Half an answer must not be followed by another one.
    if (error.code === 'ECONNRESET' || !socket.writable || (current?.headersSent && !behind)) {
      socket.destroy();
      return;
    }
    const problem = parserProblem(error, config);
    const id = uuid();
    log.warn(
      { requestId: id, code: problem.code, status: problem.status, cause: error.code },
      problem.message,
    );
    const refuse = (): void => void socket.end(rawProblem(problem, id), () => socket.destroy());
    // A broken request in the same packet as a good one must not be answered first: the good one's sender would read it
    // as its own, and drop an event that is stored already.
    if (behind) current.once('close', refuse);
    else refuse();
  });

  return {
    listen: (host, port, section) => listen(server, host, port, section),
    settle: (graceMs) => settle([...open], graceMs, clock),
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
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
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
