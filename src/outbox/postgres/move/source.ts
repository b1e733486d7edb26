import { systemClock } from '../../../core/clock.js';
import { TrackbridgeError } from '../../../core/errors.js';
import type { Quarantined } from '../../entries.js';
import type { Attempt } from '../../feed.js';
import type { MovedEvent, MovedId, MovedLetter, MoveSource, MoveSummary } from '../../move.js';
import { readText } from '../append/text.js';
import { Database, MOVE_PATIENCE, type Row } from '../connection/database.js';
import { quarantinedIn } from '../entries/quarantine.js';
import { IS_PENDING } from '../lanes/pending.js';
import type { PostgresOptions } from '../options.js';
import { migrate, quotedIdentifier } from '../schema/migrate.js';
import { MOVED, SEEN_TABLES } from '../schema/migrations.js';
import { noTotals, readSums } from '../totals.js';
import { refuseMembers } from './members.js';

const CHUNK = 1_000;

/** Opens a store in a database for a move. Throws START_FAILED if a member is running. */
export async function openPostgresSource(options: PostgresOptions): Promise<MoveSource> {
  const database = new Database(options.url, 1, 'trackbridge migrate', systemClock, MOVE_PATIENCE);
  try {
    const schema = quotedIdentifier(options.schema);
    const [there] = await database.run('SELECT to_regclass($1) IS NOT NULL AS there', [
      `${schema}.store`,
    ]);
    if (there?.['there'] !== true) {
      const message = `there is no store in schema ${options.schema}; correct outbox.url or outbox.schema`;
      throw new TrackbridgeError('START_FAILED', message);
    }
    const { id } = await migrate(database, options.schema, options.partitions);
    await refuseMembers(database, schema);
    return new PostgresSource(database, schema, id);
  } catch (error) {
    await database.close();
    throw error;
  }
}

class PostgresSource implements MoveSource {
  readonly #database: Database;
  readonly #schema: string;
  readonly #id: string;

  constructor(database: Database, schema: string, id: string) {
    this.#database = database;
    this.#schema = schema;
    this.#id = id;
  }

  async summary(): Promise<MoveSummary> {
    const sums = await readSums(this.#database, this.#schema);
    const rows = await this.#database.run(
      `SELECT id, name, active, paused FROM ${this.#schema}.sink ORDER BY id`,
    );
    const { accepted, duplicates, quarantined } = sums;
    return {
      id: this.#id,
      accepted,
      duplicates,
      quarantined,
      sinks: rows.map((row) => {
        const totals = sums.sinks.get(Number(row['id'])) ?? noTotals();
        const { delivered, discarded, filtered } = totals;
        const [name, active, paused] = [row['name'], row['active'], row['paused']];
        const counts = { delivered, filtered, discarded };
        return { name: String(name), active: active === true, paused: paused === true, ...counts };
      }),
    };
  }

  /** By position: of events of one user that were not in flight at once, the earlier one has the smaller position. */
  async *events(): AsyncIterable<readonly MovedEvent[]> {
    const schema = this.#schema;
    yield* this.#pages(
      `SELECT e.position AS at, e.received_at, e.order_key, e.json, o.name AS only_sink, (
          SELECT json_agg(json_build_object('sink', s.name, 'attempts', coalesce((
            SELECT json_agg(json_strip_nulls(json_build_object('at', a.at, 'error', a.error, 'farSide', a.far_side, 'crashed', a.crashed))
              ORDER BY a.number) FROM ${schema}.attempt a WHERE a.sink = s.id AND a.position = e.position), '[]')) ORDER BY s.id)::text
          FROM ${schema}.lane l JOIN ${schema}.sink s ON s.id = l.sink WHERE ${IS_PENDING}) AS pending
        FROM ${schema}.event e LEFT JOIN ${schema}.sink o ON o.id = e.only_sink WHERE e.position > $1 ORDER BY e.position`,
      (row) => ({
        orderKey: readText(String(row['order_key'])),
        receivedAt: Number(row['received_at']),
        json: String(row['json']),
        ...(row['only_sink'] === null ? {} : { onlySink: String(row['only_sink']) }),
        pending: row['pending'] === null ? [] : JSON.parse(String(row['pending'])),
      }),
    );
  }

  async *seen(): AsyncIterable<readonly MovedId[]> {
    const [store] = await this.#database.run(`SELECT generation FROM ${this.#schema}.store`);
    const current = Number(store?.['generation']);
    for (let back = SEEN_TABLES - 1; back >= 0; back -= 1) {
      const table = (current + SEEN_TABLES - back) % SEEN_TABLES;
      let last = '00000000-0000-0000-0000-000000000000';
      for (;;) {
        const rows = await this.#database.run(
          `SELECT key, at, authenticated FROM ${this.#schema}.seen_${table} WHERE key > $1 ORDER BY key LIMIT ${CHUNK}`,
          [last],
        );
        if (rows.length === 0) break;
        last = String(rows.at(-1)?.['key']);
        yield rows.map((row) => ({
          key: String(row['key']).replaceAll('-', ''),
          at: Number(row['at']),
          authenticated: row['authenticated'] === true,
        }));
      }
    }
  }

  async *deadLetters(): AsyncIterable<readonly MovedLetter[]> {
    yield* this.#pages(
      `SELECT d.id AS at, d.at AS buried_at, s.name AS sink, d.order_key, d.attempts, d.json FROM ${this.#schema}.dead_letter d
        JOIN ${this.#schema}.sink s ON s.id = d.sink WHERE d.id > $1 ORDER BY d.id`,
      (row): MovedLetter => ({
        sink: String(row['sink']),
        at: Number(row['buried_at']),
        orderKey: readText(String(row['order_key'])),
        attempts: JSON.parse(String(row['attempts'])) as readonly Attempt[],
        json: String(row['json']),
      }),
    );
  }

  async *quarantine(): AsyncIterable<readonly Omit<Quarantined, 'id'>[]> {
    yield* this.#pages(
      `SELECT id AS at, * FROM ${this.#schema}.quarantine WHERE id > $1 ORDER BY id`,
      quarantinedIn,
    );
  }

  async retire(): Promise<void> {
    await this.#database.run(`UPDATE ${this.#schema}.store SET version = $1, compatible = $1`, [
      MOVED,
    ]);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Reads pages by their column `at`, which $1 is behind. */
  async *#pages<T>(text: string, read: (row: Row) => T): AsyncIterable<readonly T[]> {
    for (let last = 0; ; ) {
      const rows = await this.#database.run(`${text} LIMIT ${CHUNK}`, [last]);
      if (rows.length === 0) return;
      last = Number(rows.at(-1)?.['at']);
      yield rows.map(read);
    }
  }
}
