import type { Authenticator, NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { TrackbridgeError } from '../errors.js';
import { natsFailure } from './nats-failure.js';

type Transport = typeof import('@nats-io/transport-node');

/** Where a NATS server is, and what to show it. */
export interface NatsPlace {
  readonly servers: string | readonly string[];
  readonly credentials?: {
    readonly user?: string;
    readonly pass?: string;
    readonly token?: string;
    /** The text of a `.creds` file. */
    readonly creds?: string;
  };
  readonly ssl?: {
    /** PEM texts. */
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
}

/** Milliseconds; also ends a `check` of an address that never answers. */
const CONNECT_TIMEOUT = 5_000;

/** Milliseconds between the driver's looks whether the server is there; two that are not answered end the connection. */
const PING_INTERVAL = 20_000;

/** The driver's options. Throws CONFIG_INVALID, without the text of what may be a secret. */
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
    // The dispatcher owns retries. Not `maxReconnectAttempts: 0`, with which the driver passes over every other server.
    reconnect: false,
  };
}

function checkedServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(?:nats|tls):$/.test(url.protocol) || url.hostname === '') {
    throw invalid('servers: must be nats://host:port, or tls://host:port');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('servers: put user and password into credentials');
  }
  return text;
}

function authenticatorOf(
  credentials: NatsPlace['credentials'],
  driver: Transport,
): Authenticator | undefined {
  const { user, pass, token, creds } = credentials ?? {};
  const given = [user ?? pass, token, creds].filter((each) => each !== undefined);
  if (given.length > 1) throw invalid('credentials: give user and pass, or token, or creds');
  if (user !== undefined) return driver.usernamePasswordAuthenticator(user, pass);
  if (token !== undefined) return driver.tokenAuthenticator(token);
  if (creds !== undefined) {
    // In an environment variable its line breaks are often written out.
    const text = creds.replaceAll('\\n', '\n');
    if (!text.includes('NATS USER JWT')) throw invalid('credentials: creds holds no .creds file');
    return driver.credsAuthenticator(new TextEncoder().encode(text));
  }
  if (pass !== undefined) throw invalid('credentials: pass needs a user');
  return undefined;
}

function invalid(problem: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', problem);
}

/**
 * One connection for all lanes, made when it is asked for and it is not there. Neither it nor the driver connects again by
 * itself: when to try is the dispatcher's to say, and nothing keeps a process alive that has closed its sinks.
 */
export class NatsLink {
  /** What errors call the server. */
  readonly who: string;
  readonly #options: NodeConnectionOptions;
  readonly #driver: Transport;
  readonly #prepare: (connection: NatsConnection) => Promise<void>;
  #ready: Promise<NatsConnection> | undefined;

  /** `prepare` runs once on every new connection before anything is sent. */
  constructor(
    options: NodeConnectionOptions,
    driver: Transport,
    prepare: (connection: NatsConnection) => Promise<void>,
  ) {
    this.#options = options;
    this.#driver = driver;
    this.#prepare = prepare;
    this.who = `NATS at ${[options.servers ?? []].flat().map(hostOf).join(', ')}`;
  }

  /** The prepared connection. Rejects with a SinkError. */
  ready(): Promise<NatsConnection> {
    if (this.#ready === undefined) {
      const made = this.#connect();
      this.#ready = made;
      made
        .then((connection) => connection.closed())
        .catch(() => {})
        .finally(() => this.#forget(made));
    }
    return this.#ready;
  }

  /**
   * Lets go of the connection; what is under way on it fails. The next `ready` makes another. Resolves when it is closed, at
   * the latest when connecting would have ended.
   */
  async drop(): Promise<void> {
    const made = this.#ready;
    if (made === undefined) return;
    this.#forget(made);
    await made.then((connection) => connection.close()).catch(() => {});
  }

  async #connect(): Promise<NatsConnection> {
    let connection: NatsConnection | undefined;
    try {
      connection = await this.#driver.connect(this.#options);
      await this.#prepare(connection);
      return connection;
    } catch (error) {
      await connection?.close();
      throw natsFailure(this.who, error);
    }
  }

  #forget(made: Promise<NatsConnection>): void {
    if (this.#ready === made) this.#ready = undefined;
  }
}

function hostOf(server: string): string {
  return new URL(server).host;
}
