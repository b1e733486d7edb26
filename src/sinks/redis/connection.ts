import type { Redis } from 'ioredis';
import type { SinkOptions } from '../../config/config.js';
import { configInvalid } from '../../core/errors.js';
import { parseUrl } from '../../core/url.js';
import type { Connection } from '../kit/shared-connection.js';
import { refuseStrayCredentials } from '../kit/url-credentials.js';
import { redisFailure } from './failure.js';

/** The address of a Redis server as configured. */
export type AddressOptions = Pick<SinkOptions['redis'], 'url' | 'ssl'>;

interface Address {
  readonly host: string;
  readonly port: number;
  /** The arguments of AUTH; empty without a password. */
  readonly auth: readonly string[];
  readonly database: number;
  readonly tls: object | undefined;
}

type Driver = new (options: import('ioredis').RedisOptions) => Redis;

/** Milliseconds. It also ends a `check` of an address that never answers, which has no sink timeout. */
const CONNECT_TIMEOUT = 5_000;

/** Reads the options. Throws CONFIG_INVALID without the text, which can hold a password. */
export function redisAddress({ url, ssl }: AddressOptions): Address {
  refuseStrayCredentials(url);
  const parsed = parseUrl(url, ['redis', 'rediss']);
  const database = /^\/?(\d{0,9})$/.exec(parsed?.pathname ?? '')?.[1];
  if (parsed === undefined || database === undefined) {
    throw configInvalid(
      'url: must be redis://user:password@host:port/database, or rediss:// for TLS',
    );
  }
  if (parsed.search !== '' || parsed.hash !== '') {
    throw configInvalid('url: must have no query; encode "?" and "#" of a password as %3F and %23');
  }
  const secure = parsed.protocol === 'rediss:';
  if (ssl !== undefined && !secure)
    throw configInvalid('ssl: requires a url that begins with rediss://');
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
    throw configInvalid('url: encode "%" of user and password as %25');
  }
}

/** The server's name in errors. */
export function redisName({ host, port }: Address): string {
  return `Redis at ${host}:${port}`;
}

/**
 * A connection that is made once, on first use. Neither it nor the driver reconnects: the dispatcher decides when to
 * retry, and nothing keeps a process alive after its sinks are closed.
 */
export class RedisConnection implements Connection {
  readonly #address: Address;
  readonly #client: Redis;
  #ready: Promise<Redis> | undefined;
  #reason: unknown;
  #isOver = false;

  constructor(address: Address, driver: Driver) {
    const { host, port, tls } = address;
    this.#address = address;
    this.#client = new driver({
      host,
      port,
      ...(tls !== undefined && { tls }),
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT,
      // The dispatcher owns retries, and a command that waits for another connection could be executed twice.
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      // Both send commands that a user with few rights may not run, and the driver then writes to the terminal.
      enableReadyCheck: false,
      disableClientInfo: true,
      protocol: 2,
    });
    // Without a listener the driver writes errors to the terminal.
    this.#client.on('error', (error: unknown) => {
      this.#reason = error;
    });
    this.#client.on('end', () => {
      this.#isOver = true;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves to the connected client, authenticated and on its database. Rejects with a SinkError. */
  ready(): Promise<Redis> {
    this.#ready ??= this.#connect();
    return this.#ready;
  }

  async close(): Promise<void> {
    this.cut();
  }

  cut(): void {
    this.#isOver = true;
    this.#client.disconnect();
  }

  async #connect(): Promise<Redis> {
    const { auth, database } = this.#address;
    try {
      await this.#client.connect();
      // AUTH is sent here, because the driver writes the server's answer to an unnecessary password to the terminal.
      if (auth.length > 0) await this.#client.call('AUTH', [...auth]);
      if (database > 0) await this.#client.call('SELECT', [String(database)]);
      return this.#client;
    } catch (error) {
      this.cut();
      throw redisFailure(redisName(this.#address), this.#reason ?? error);
    }
  }
}
