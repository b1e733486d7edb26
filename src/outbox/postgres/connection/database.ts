import type { Client } from 'pg';
import { type Clock, withinTime } from '../../../core/clock.js';
import { TrackbridgeError } from '../../../core/errors.js';
import { loadDriver } from './driver.js';
import { RETRY_AFTER, stateOf, storeFailure } from './failure.js';
import { type Host, hostsOf } from './hosts.js';

/** Milliseconds to connect to one host. */
const CONNECT_PATIENCE = 3_000;
/** Milliseconds for one statement. Senders wait no longer, and a lost network must not hold a connection for minutes. */
const STATEMENT_PATIENCE = 5_000;
/** Milliseconds for one statement of a move: nobody waits for it, and it must not end because a disk is slow for a moment. */
export const MOVE_PATIENCE = 120_000;
/** Milliseconds for an orderly close before the connections are dropped. */
const GOODBYE = 500;
/** The pause after a failed connection, in milliseconds. It doubles up to the longest. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2_000;

/**
 * Settings of every session. A member that is stopped inside a transaction would keep all others from reading
 * (`pg_snapshot_xmin`), so the server ends such a transaction.
 */
const sessionOf = (
  patience: number,
): string => `SET idle_in_transaction_session_timeout = '5s'; SET statement_timeout = ${patience * 4}; SET lock_timeout = '4s';
  SET client_min_messages = 'warning'; SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS standby`;

export type Row = Readonly<Record<string, unknown>>;

/** A statement with a name is prepared once a connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** Runs statements on one connection. */
export interface Session {
  run(statement: Statement | string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** Connections to the writable one of the hosts. Each failure is a TrackbridgeError. */
export class Database implements Session {
  readonly hosts: readonly Host[];
  readonly #clock: Clock;
  readonly #most: number;
  readonly #applicationName: string;
  readonly #patience: number;
  readonly #idle: Client[] = [];
  readonly #all = new Set<Client>();
  readonly #waiting: ((client: Client | undefined) => void)[] = [];
  #connecting = 0;
  #host = 0;
  #failures = 0;
  #failed: { readonly error: TrackbridgeError; readonly until: number } | undefined;
  #closed = false;

  /** `most`: the maximum number of connections. `patience`: milliseconds for one statement. */
  constructor(
    url: string,
    most: number,
    applicationName: string,
    clock: Clock,
    patience = STATEMENT_PATIENCE,
  ) {
    this.#patience = patience;
    this.hosts = hostsOf(url);
    this.#most = most;
    this.#applicationName = applicationName;
    this.#clock = clock;
  }

  /** `host:port` of the server in use. */
  get server(): string {
    return this.#current().server;
  }

  run(statement: Statement | string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.use((session) => session.run(statement, values));
  }

  /** Runs `work` in one transaction: all of it or nothing is written. */
  transact<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.use(async (session) => {
      await session.run('BEGIN');
      try {
        const result = await work(session);
        await session.run('COMMIT');
        return result;
      } catch (error) {
        // Without an answer the connection is dropped, which ends the transaction as well.
        if (stateOf(causeOf(error)) !== undefined || !isDriverError(error)) {
          await session.run('ROLLBACK').catch(() => undefined);
        }
        throw error;
      }
    });
  }

  /** Runs `work` on a connection of its own. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#take();
    let broken = false;
    const session: Session = {
      run: async (statement, values = []) => {
        const query = typeof statement === 'string' ? { text: statement } : statement;
        try {
          const sent = client.query({ ...query, values: [...values] });
          const { rows } = await withinTime(sent, this.#patience, this.#clock, () => {
            throw new Error(`no answer within ${this.#patience} ms`);
          });
          return rows ?? [];
        } catch (error) {
          const state = stateOf(error);
          if (state === undefined || state === '25006' || state.startsWith('57P')) broken = true;
          throw storeFailure(error, this.server);
        }
      },
    };
    try {
      return await work(session);
    } finally {
      if (broken) this.#drop(client);
      else this.#release(client);
    }
  }

  /** Opens a connection that the caller owns, for notifications. `onLost` is called once when it ends. */
  async dedicated(onNotice: (payload: string) => void, onLost: () => void): Promise<Session> {
    const client = await this.#connect();
    this.#all.add(client);
    client.on('notification', ({ payload = '' }) => onNotice(payload));
    client.once('end', () => {
      this.#all.delete(client);
      onLost();
    });
    return {
      run: async (statement, values = []) => {
        const query = typeof statement === 'string' ? { text: statement } : statement;
        const { rows } = await client.query({ ...query, values: [...values] });
        return rows;
      },
    };
  }

  /** Ends within about a second, even if the server no longer answers. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake(undefined);
    const ended = Promise.allSettled([...this.#all].map((client) => client.end()));
    await withinTime(ended, GOODBYE, this.#clock, () => undefined);
    for (const client of this.#all) socketOf(client)?.destroy();
    this.#all.clear();
    this.#idle.splice(0);
  }

  async #take(): Promise<Client> {
    if (this.#closed) throw closing();
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#all.size + this.#connecting < this.#most) return await this.#open();
    const client = await new Promise<Client | undefined>((resolve) => this.#waiting.push(resolve));
    return client ?? (await this.#take());
  }

  #release(client: Client): void {
    if (this.#closed || !this.#all.has(client)) return;
    const wake = this.#waiting.shift();
    if (wake === undefined) this.#idle.push(client);
    else wake(client);
  }

  #drop(client: Client): void {
    this.#all.delete(client);
    const at = this.#idle.indexOf(client);
    if (at >= 0) this.#idle.splice(at, 1);
    socketOf(client)?.destroy();
    // Whoever waits opens a connection in its place.
    this.#waiting.shift()?.(undefined);
  }

  /** Fails at once for a while after a failure: deliveries must not queue up behind a server that is gone. */
  async #open(): Promise<Client> {
    const now = this.#clock.monotonic();
    if (this.#failed !== undefined && now < this.#failed.until) throw this.#failed.error;
    this.#connecting += 1;
    try {
      const client = await this.#connectAny();
      if (this.#closed) {
        socketOf(client)?.destroy();
        throw closing();
      }
      this.#failed = undefined;
      this.#failures = 0;
      this.#all.add(client);
      return client;
    } catch (error) {
      const failure = storeFailure(error, this.server);
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures);
      this.#failures += 1;
      this.#failed = { error: failure, until: this.#clock.monotonic() + pause };
      for (const wake of this.#waiting.splice(0)) wake(undefined);
      throw failure;
    } finally {
      this.#connecting -= 1;
    }
  }

  /** Tries each host once, the one of the last success first. */
  async #connectAny(): Promise<Client> {
    let failure: unknown;
    for (let tried = 0; tried < this.hosts.length; tried += 1) {
      try {
        return await this.#connect();
      } catch (error) {
        failure ??= storeFailure(error, this.server);
        this.#host = (this.#host + 1) % this.hosts.length;
      }
    }
    throw failure;
  }

  async #connect(): Promise<Client> {
    const pg = await loadDriver();
    const client = new pg.Client({
      connectionString: this.#current().url,
      connectionTimeoutMillis: CONNECT_PATIENCE,
      keepAlive: true,
      fallback_application_name: this.#applicationName,
    });
    // An error also fails the query under way, and an idle connection is replaced.
    client.on('error', () => this.#drop(client));
    try {
      await client.connect();
      const results = await withinTime(
        client.query(sessionOf(this.#patience)),
        CONNECT_PATIENCE,
        this.#clock,
        () => {
          throw new Error(`no answer within ${CONNECT_PATIENCE} ms`);
        },
      );
      // Several statements in one text have a result each.
      const last = [results].flat().at(-1);
      if (last?.rows[0]?.standby === true) throw standby(this.server);
      return client;
    } catch (error) {
      socketOf(client)?.destroy();
      throw error;
    }
  }

  #current(): Host {
    const host = this.hosts[this.#host];
    if (host === undefined) throw new TypeError('The URL names no host');
    return host;
  }
}

function socketOf(client: Client): { destroy(): void } | undefined {
  // The driver's `end` waits for an answer of a server that may be gone.
  const { connection } = client as unknown as {
    readonly connection?: { readonly stream?: { destroy(): void } };
  };
  return connection?.stream;
}

/** The driver's error behind ours. */
export function causeOf(error: unknown): unknown {
  return error instanceof TrackbridgeError ? error.cause : error;
}

function isDriverError(error: unknown): boolean {
  return error instanceof TrackbridgeError && error.code === 'OUTBOX_UNAVAILABLE';
}

function standby(server: string): TrackbridgeError {
  const message = `The store at ${server} is a standby and accepts no writes; name the primary in outbox.url`;
  return new TrackbridgeError('OUTBOX_UNAVAILABLE', message, { retryAfter: RETRY_AFTER });
}

export function closing(): TrackbridgeError {
  return new TrackbridgeError('DRAINING', 'The outbox is closing; retry later', {
    retryAfter: RETRY_AFTER,
  });
}
