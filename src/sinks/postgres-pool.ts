import { Socket } from 'node:net';
import type { Client, ClientBase, Pool, PoolClient } from 'pg';
import type { Clock } from '../clock.js';
import { TrackbridgeError } from '../errors.js';
import { loadDriver } from './driver.js';
import { interrupted } from './interrupt.js';
import { type Place, postgresFailure, stateOf } from './postgres-failure.js';
import { refuseStrayCredentials } from './url-credentials.js';

export interface ConnectionOptions {
  /** `postgresql://user:password@host:port/database`. */
  readonly url: string;
  /** PEM texts. Present: TLS, and the server's certificate is checked. */
  readonly ssl?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly create: boolean;
}

/** As many connections as there can be lanes; a lane without a batch under way holds none for long. */
const MOST_CONNECTIONS = 256;
/** Milliseconds to connect in, where no signal ends it sooner. */
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds for an orderly goodbye to the server, before the connections are dropped. */
const GOODBYE = 1_000;

/**
 * A server that goes on with a statement nobody waits for holds its locks against the next attempt. With this it looks
 * whether the client is still there; older servers and some systems do not know it, and lose nothing else.
 */
const NOTICE_ABORTED = `SELECT set_config(name, '500', false) FROM pg_settings
  WHERE name = 'client_connection_check_interval'`;

/** Connections to one server. */
export interface PostgresPool {
  /**
   * Runs `work` on a connection of its own. When `signal` aborts, the connection is dropped and the promise rejects with a
   * retryable SinkError; every other failure is a SinkError too.
   */
  use<T>(work: (client: ClientBase) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Ends within a second or so, also where the server no longer answers. Can be used again after it. */
  close(): Promise<void>;
}

/** Throws CONFIG_INVALID where the driver is missing or the URL cannot be used. Connects when first used. */
export async function createPostgresPool(
  options: ConnectionOptions,
  clock: Clock,
): Promise<PostgresPool> {
  const { default: pg } = await loadDriver('pg', () => import('pg'), 'postgres');
  const { url, ssl, create } = options;
  refuseStrayCredentials(url);
  const sockets = new Set<Socket>();
  // Sockets of our own, so that one to a server that fell silent can be dropped.
  const stream = (): Socket => {
    const socket = new Socket();
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    return socket;
  };
  const config = {
    connectionString: url,
    ...(ssl && { ssl }),
    stream,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    fallback_application_name: 'trackbridge',
  };
  const place = placeOf(() => new pg.Client({ connectionString: url }));
  let pool: Pool | undefined;

  function opened(): Pool {
    if (pool) return pool;
    const max = MOST_CONNECTIONS;
    const onConnect = async (client: ClientBase): Promise<void> => {
      // What breaks it also fails the query under way; an idle one is replaced.
      client.on('error', () => {});
      await client.query(NOTICE_ABORTED).catch(() => {});
    };
    pool = new pg.Pool({ ...config, max, onConnect });
    pool.on('error', () => {});
    return pool;
  }

  /** Waiting for a connection; a pool that ends forgets them. */
  const waiting = new Set<() => void>();

  async function connected(signal: AbortSignal): Promise<PoolClient> {
    if (signal.aborted) throw interrupted(signal);
    const connecting = opened().connect();
    return new Promise((resolve, reject) => {
      let late = false;
      const stop = (): void => {
        late = true;
        reject(interrupted(signal));
      };
      signal.addEventListener('abort', stop, { once: true });
      waiting.add(stop);
      connecting
        .then((client) => (late ? client.release() : resolve(client)), reject)
        .finally(() => {
          signal.removeEventListener('abort', stop);
          waiting.delete(stop);
        });
    });
  }

  return {
    async use(work, signal) {
      let client: PoolClient | undefined;
      let fault: unknown;
      const drop = (): void => client?.release(true);
      try {
        client = await connected(signal);
        signal.addEventListener('abort', drop, { once: true });
        return await work(client);
      } catch (error) {
        fault = error;
        if (signal.aborted) throw interrupted(signal);
        throw postgresFailure(error, place, create);
      } finally {
        signal.removeEventListener('abort', drop);
        // After an abort it has been released. What the server refused leaves the connection as good as it was.
        if (!signal.aborted) client?.release(fault !== undefined && stateOf(fault) === undefined);
      }
    },

    async close() {
      const closing = pool;
      pool = undefined;
      if (!closing) return;
      const left = [...sockets];
      for (const stop of waiting) stop();
      const timer = new AbortController();
      const ended = closing.end().catch(() => {});
      await Promise.race([ended, clock.sleep(GOODBYE, timer.signal)]);
      timer.abort();
      for (const socket of left) socket.destroy();
    },
  };
}

/** What the driver makes of the URL, which it has to be able to read. Its own message may hold the password. */
function placeOf(makeClient: () => Client): Place {
  try {
    const { host, port, database } = makeClient();
    return { server: `${host}:${port}`, database: database ?? '' };
  } catch (error) {
    const problem = 'url: cannot be used; is it postgresql://user:password@host:port/database?';
    throw new TrackbridgeError('CONFIG_INVALID', problem, { cause: error });
  }
}
