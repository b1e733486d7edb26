import type { Socket } from 'node:net';
import type Koa from 'koa';
import type { ServerConfig } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import { FirstBytes } from '../http/first-byte.js';
import {
  type Address,
  createHttpServer,
  type HttpServer,
  type HttpServerConfig,
} from '../http/server.js';
import { Stalls } from '../http/stalls.js';
import type { TlsFiles } from '../http/tls/files.js';
import type { RejectionLog } from '../telemetry/rejection-log.js';

type HttpServerLimits = Omit<HttpServerConfig, 'tls'>;

export interface ListenersDeps {
  readonly server: Pick<ServerConfig, 'budget' | 'queryLimit'>;
  /** The maximum number of open connections of each listener. */
  readonly maxConnections: number;
  readonly clock: Clock;
  readonly uuid: () => string;
  readonly rejections: Pick<RejectionLog, 'write'>;
}

/** The certificates of the listeners that have one. */
export type ListenerTls = Readonly<Partial<Record<'server' | 'admin', TlsFiles>>>;

/** The listeners of a process, and what they share: they run on one event loop. */
export class Listeners {
  readonly firstBytes: FirstBytes;
  readonly stalls: Stalls;
  readonly #deps: ListenersDeps;
  #limits: HttpServerLimits;
  readonly #servers: (readonly [section: 'server' | 'admin', server: HttpServer])[] = [];

  constructor(deps: ListenersDeps) {
    this.#deps = deps;
    this.#limits = { ...deps.server, maxConnections: deps.maxConnections };
    this.firstBytes = new FirstBytes(deps.clock);
    this.stalls = new Stalls(deps.clock);
  }

  /** Listens for requests to `app`. Resolves to the port, if it has one. Throws START_FAILED, which names `section`. */
  async listen(
    section: 'server' | 'admin',
    app: Koa,
    at: Address,
    tls: TlsFiles | undefined,
  ): Promise<number | undefined> {
    const { clock, rejections, uuid } = this.#deps;
    const { firstBytes, stalls } = this;
    const server = createHttpServer(app.callback(), withTls(this.#limits, tls), {
      clock,
      uuid,
      rejections,
      firstBytes,
      stalls,
    });
    this.#servers.push([section, server]);
    return await server.listen(at, section);
  }

  /** Applies other limits to all listeners, and their certificates; see `HttpServer.configure`. */
  configure(limits: HttpServerLimits, tls: ListenerTls): void {
    this.#limits = limits;
    for (const [section, server] of this.#servers) server.configure(withTls(limits, tls[section]));
  }

  /** Marks a connection as authenticated. */
  trust(socket: Socket): void {
    for (const [, server] of this.#servers) server.trust(socket);
  }

  /** Resolves when all current requests are answered, or after `graceMs`. */
  async settle(graceMs: number): Promise<void> {
    await Promise.all(this.#servers.map(([, server]) => server.settle(graceMs)));
  }

  /** Closes all connections, those that are not idle after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#servers.splice(0).map(([, server]) => server.close(graceMs)));
  }

  start(): void {
    this.stalls.start();
  }

  stop(): void {
    this.firstBytes.stop();
    this.stalls.stop();
  }
}

function withTls(limits: HttpServerLimits, tls: TlsFiles | undefined): HttpServerConfig {
  const { budget, maxConnections, queryLimit } = limits;
  return { budget, maxConnections, queryLimit, ...(tls === undefined ? {} : { tls }) };
}
