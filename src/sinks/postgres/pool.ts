import { Socket } from 'node:net';
import type { Client, ClientBase, Pool, PoolClient } from 'pg';
import type { SinkOptions } from '../../config/config.js';
import { type Clock, withinTime } from '../../core/clock.js';
import { loadDriver } from '../../core/driver.js';
import { TrackbridgeError } from '../../core/errors.js';
import { interrupted } from '../kit/interrupt.js';
import { refuseStrayCredentials } from '../kit/url-credentials.js';
import { postgresFailure, stateOf, type Target } from './failure.js';

export type ConnectionOptions = Pick<SinkOptions['postgres'], 'url' | 'ssl' | 'create'>;

/** As many connections as there can be lanes. A lane without a batch under way does not hold one for long. */
const MOST_CONNECTIONS = 256;
/** Milliseconds to connect, if no signal ends it sooner. */
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds for an orderly close before the connections are dropped. */
const GOODBYE = 1_000;

/**
 * A server that continues a statement that was abandoned holds its locks against the next attempt. With this setting it
 * checks whether the client is still connected. Older servers and some systems do not support it and are otherwise
 * unaffected.
 */
const NOTICE_ABORTED = `SELECT set_config(name, '500', false) FROM pg_settings
  WHERE name = 'client_connection_check_interval'`;

/** Connections to one server. */
export interface PostgresPool {
  /**
   * Runs `work` on a connection of its own. If `signal` aborts, the connection is dropped and the promise rejects with
   * a retryable SinkError. Every other failure is a SinkError too.
   */
  use<T>(work: (client: ClientBase) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Ends within about a second, even if the server no longer answers. The pool can be used again afterward. */
  close(): Promise<void>;
}

/** Throws CONFIG_INVALID if the driver is missing or the URL is invalid. Connects on first use. */
export async function createPostgresPool(
  options: ConnectionOptions,
  clock: Clock,
): Promise<PostgresPool> {
  const { default: pg } = await loadDriver('pg', () => import('pg'), 'postgres');
  const { url, ssl, create } = options;
  refuseStrayCredentials(url);
  const sockets = new Set<Socket>();
  // Sockets are created here, so that one to a server that stopped responding can be dropped.
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
  const target = targetOf(() => new pg.Client({ connectionString: url }));
  let pool: Pool | undefined;

  function opened(): Pool {
    if (pool) return pool;
    const max = MOST_CONNECTIONS;
    const onConnect = async (client: ClientBase): Promise<void> => {
      // An error also fails the query under way; an idle connection is replaced.
      client.on('error', () => {});
      await client.query(NOTICE_ABORTED).catch(() => {});
    };
    pool = new pg.Pool({ ...config, max, onConnect });
    pool.on('error', () => {});
    return pool;
  }

  /** Callers that wait for a connection; a pool that ends forgets them. */
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
        throw postgresFailure(error, target, create);
      } finally {
        signal.removeEventListener('abort', drop);
        // After an abort it has been released already. An error that the server answered leaves the connection intact.
        if (!signal.aborted) client?.release(fault !== undefined && stateOf(fault) === undefined);
      }
    },

    async close() {
      const closing = pool;
      pool = undefined;
      if (!closing) return;
      const left = [...sockets];
      for (const stop of waiting) stop();
      const ended = closing.end().catch(() => {});
      await withinTime(ended, GOODBYE, clock, () => undefined);
      for (const socket of left) socket.destroy();
    },
  };
}

/** Reads the URL with the driver, which has to understand it. The driver's own message may hold the password. */
function targetOf(makeClient: () => Client): Target {
  try {
    const { host, port, database } = makeClient();
    return { server: `${host}:${port}`, database: database ?? '' };
  } catch (error) {
    const problem = 'url: must be postgresql://user:password@host:port/database';
    throw new TrackbridgeError('CONFIG_INVALID', problem, { cause: error });
  }
}
