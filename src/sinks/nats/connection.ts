import type { Authenticator, NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import type { SinkOptions } from '../../config/config.js';
import { configInvalid } from '../../core/errors.js';
import { parseUrl } from '../../core/url.js';
import type { Connection } from '../kit/shared-connection.js';
import { natsFailure } from './failure.js';

type Transport = typeof import('@nats-io/transport-node');

/** The address of a NATS server, and its credentials. */
export type NatsPlace = Pick<SinkOptions['nats'], 'servers' | 'credentials' | 'ssl'>;

/** Milliseconds. It also ends a `check` of an address that never answers. */
const CONNECT_TIMEOUT = 5_000;

/** Milliseconds between the driver's pings; two unanswered ones end the connection. */
const PING_INTERVAL = 20_000;

/** Returns the driver's options. Throws CONFIG_INVALID, without text that may be secret. */
export function natsOptions(place: NatsPlace, driver: Transport): NodeConnectionOptions {
  const servers = [place.servers].flat().map(checkedServer);
  const secure = place.ssl !== undefined || servers.some((server) => server.startsWith('tls:'));
  const authenticator = authenticatorOf(place.credentials, driver);
  return {
    servers,
    ...(authenticator !== undefined && { authenticator }),
    ...(secure && { tls: { ...place.ssl } }),
    name: 'trackbridge',
    timeout: CONNECT_TIMEOUT,
    pingInterval: PING_INTERVAL,
    maxPingOut: 2,
    // The dispatcher owns retries. With `maxReconnectAttempts: 0` the driver would skip every other server.
    reconnect: false,
  };
}

function checkedServer(text: string): string {
  const url = parseUrl(text, ['nats', 'tls']);
  if (url === undefined) {
    throw configInvalid('servers: must be nats://host:port, or tls://host:port');
  }
  if (url.username !== '' || url.password !== '') {
    throw configInvalid('servers: put user and password into credentials');
  }
  return text;
}

function authenticatorOf(
  credentials: NatsPlace['credentials'],
  driver: Transport,
): Authenticator | undefined {
  const { user, pass, token, creds } = credentials ?? {};
  const given = [user ?? pass, token, creds].filter((each) => each !== undefined);
  if (given.length > 1) throw configInvalid('credentials: set user and pass, or token, or creds');
  if (user !== undefined) return driver.usernamePasswordAuthenticator(user, pass);
  if (token !== undefined) return driver.tokenAuthenticator(token);
  if (creds !== undefined) {
    // In an environment variable, line breaks are often written as `\n`.
    const text = creds.replaceAll('\\n', '\n');
    if (!text.includes('NATS USER JWT'))
      throw configInvalid('credentials: creds must be the content of a .creds file');
    return driver.credsAuthenticator(new TextEncoder().encode(text));
  }
  if (pass !== undefined) throw configInvalid('credentials: pass requires user');
  return undefined;
}

/** The servers' name in errors. */
export function natsName({ servers = [] }: NodeConnectionOptions): string {
  return `NATS at ${[servers].flat().map(hostOf).join(', ')}`;
}

/**
 * A connection that is made once, on first use. Neither it nor the driver reconnects: the dispatcher decides when to
 * retry, and nothing keeps a process alive after its sinks are closed.
 */
export class NatsLink implements Connection {
  readonly #options: NodeConnectionOptions;
  readonly #driver: Transport;
  readonly #prepare: (connection: NatsConnection) => Promise<void>;
  #ready: Promise<NatsConnection> | undefined;
  #isOver = false;

  /** `prepare` runs on the connection before anything is sent. */
  constructor(
    options: NodeConnectionOptions,
    driver: Transport,
    prepare: (connection: NatsConnection) => Promise<void>,
  ) {
    this.#options = options;
    this.#driver = driver;
    this.#prepare = prepare;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves to the prepared connection. Rejects with a SinkError. */
  ready(): Promise<NatsConnection> {
    if (this.#ready === undefined) {
      this.#ready = this.#connect();
      this.#ready
        .then((connection) => connection.closed())
        .catch(() => {})
        .finally(() => {
          this.#isOver = true;
        });
    }
    return this.#ready;
  }

  /** Resolves when it is closed, at the latest when connecting would have ended. Messages under way fail. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#ready?.then((connection) => connection.close()).catch(() => {});
  }

  cut(): void {
    void this.close();
  }

  async #connect(): Promise<NatsConnection> {
    let connection: NatsConnection | undefined;
    try {
      connection = await this.#driver.connect(this.#options);
      await this.#prepare(connection);
      return connection;
    } catch (error) {
      await connection?.close();
      throw natsFailure(natsName(this.#options), error);
    }
  }
}

function hostOf(server: string): string {
  return new URL(server).host;
}
