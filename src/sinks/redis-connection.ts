import type { Redis } from 'ioredis';
import { TrackbridgeError } from '../errors.js';
import { redisFailure } from './redis-failure.js';
import type { SinkError } from './sink.js';
import { refuseStrayCredentials } from './url-credentials.js';

/** Where a Redis server is, as an operator writes it. */
export interface RedisPlace {
  /** redis:// or rediss://, with user, password and database. */
  readonly url: string;
  readonly ssl?: {
    /** PEM texts. */
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
  };
}

interface Place {
  readonly host: string;
  readonly port: number;
  /** What AUTH takes; nothing where no password is given. */
  readonly auth: readonly string[];
  readonly database: number;
  readonly tls: object | undefined;
}

type Driver = new (options: import('ioredis').RedisOptions) => Redis;

/** Milliseconds; also ends what a sink's own timeout does not, a `check` of an address that never answers. */
const CONNECT_TIMEOUT = 5_000;

/** Reads the options. Throws CONFIG_INVALID, without the text: it can hold a password. */
export function redisPlace({ url, ssl }: RedisPlace): Place {
  refuseStrayCredentials(url);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const database = /^\/?(\d{0,9})$/.exec(parsed?.pathname ?? '')?.[1];
  if (parsed === undefined || database === undefined || !/^rediss?:$/.test(parsed.protocol)) {
    throw invalid('url: must be redis://user:password@host:port/database, or rediss:// for TLS');
  }
  if (parsed.hostname === '') throw invalid('url: names no host');
  if (parsed.search !== '' || parsed.hash !== '') {
    throw invalid('url: must have no query; encode "?" and "#" of a password as %3F and %23');
  }
  const secure = parsed.protocol === 'rediss:';
  if (ssl !== undefined && !secure) throw invalid('ssl: needs a url that begins with rediss://');
  const user = decoded(parsed.username);
  const password = decoded(parsed.password);
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: Number(parsed.port || 6379),
    auth: password === '' ? [] : [...(user === '' ? [] : [user]), password],
    database: Number(database),
    tls: secure ? { ...ssl } : undefined,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('url: encode "%" of user and password as %25');
  }
}

function invalid(problem: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', problem);
}

/**
 * One connection for all lanes, made when it is asked for and it is not there. Neither it nor the driver connects again by
 * itself: when to try is the dispatcher's to say, and nothing keeps a process alive that has closed its sinks.
 */
export class RedisConnection {
  /** What errors call the server. */
  readonly who: string;
  readonly #place: Place;
  readonly #driver: Driver;
  #client: Redis | undefined;
  #ready: Promise<Redis> | undefined;
  #dropped: SinkError | undefined;

  constructor(place: Place, driver: Driver) {
    this.#place = place;
    this.#driver = driver;
    this.who = `Redis at ${place.host}:${place.port}`;
  }

  /** The connected client, authenticated and on its database. Rejects with a SinkError. */
  ready(): Promise<Redis> {
    this.#ready ??= this.#connect();
    return this.#ready;
  }

  /** Lets go of the connection at once; what is under way on it fails with `why`. The next `ready` makes another. */
  drop(why: SinkError): void {
    this.#dropped = why;
    this.#client?.disconnect();
    this.#forget(this.#client);
  }

  async #connect(): Promise<Redis> {
    const { host, port, auth, database, tls } = this.#place;
    const client = new this.#driver({
      host,
      port,
      ...(tls !== undefined && { tls }),
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT,
      // The dispatcher owns retries, and a command that waits for another connection could arrive twice.
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      // Both send commands that a user with few rights may not, and the driver then writes to the terminal.
      enableReadyCheck: false,
      disableClientInfo: true,
      protocol: 2,
    });
    this.#client = client;
    this.#dropped = undefined;
    let reason: unknown;
    // Without a listener the driver writes errors to the terminal.
    client.on('error', (error: unknown) => {
      reason = error;
    });
    client.on('end', () => this.#forget(client));
    try {
      await client.connect();
      // Here and not by the driver, which writes to the terminal what the server says to a needless password.
      if (auth.length > 0) await client.call('AUTH', [...auth]);
      if (database > 0) await client.call('SELECT', [String(database)]);
      return client;
    } catch (error) {
      client.disconnect();
      this.#forget(client);
      throw this.#dropped ?? redisFailure(this.who, reason ?? error);
    }
  }

  #forget(client: Redis | undefined): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    this.#ready = undefined;
  }
}
