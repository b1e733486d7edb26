import { systemClock } from '../../../core/clock.js';
import { TrackbridgeError } from '../../../core/errors.js';
import type { Quarantined } from '../../entries.js';
import type {
  MovedEvent,
  MovedId,
  MovedLetter,
  MovedProgress,
  MoveSummary,
  MoveTarget,
} from '../../move.js';
import { countQuarantined } from '../../move.js';
import { partitionOf } from '../append/statement.js';
import { arrayText, joined, SEPARATOR, storedText } from '../append/text.js';
import { problemOf, readServer } from '../check.js';
import { Database, MOVE_PATIENCE, type Session } from '../connection/database.js';
import type { PostgresOptions } from '../options.js';
import { migrate, quotedIdentifier } from '../schema/migrate.js';
import { FIRST_SEGMENT } from '../schema/migrations.js';

/** The writer of what was counted before the move. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Connects to the database for a move. Throws START_FAILED if it cannot keep a store. */
export async function openPostgresTarget(options: PostgresOptions): Promise<MoveTarget> {
  const database = new Database(options.url, 1, 'trackbridge migrate', systemClock, MOVE_PATIENCE);
  try {
    const problem = problemOf(await readServer(database, options.schema), options);
    if (problem !== undefined) throw new TrackbridgeError('START_FAILED', `outbox: ${problem}`);
    return new PostgresTarget(database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Each chunk is a transaction, which says how far the move is: an interrupted one goes on behind it. */
class PostgresTarget implements MoveTarget {
  readonly #database: Database;
  readonly #options: PostgresOptions;
  readonly #schema: string;
  readonly #sinks = new Map<string, number>();
  readonly #dead = new Map<string, number>();
  readonly #quarantine = new Map<string, { entries: number; weight: number }>();
  /** The position behind the last segment. */
  #after = 0;
  #tail = 0;

  constructor(database: Database, options: PostgresOptions) {
    this.#database = database;
    this.#options = options;
    this.#schema = quotedIdentifier(options.schema);
  }

  async begin({ id, sinks }: MoveSummary): Promise<number> {
    const { partitions, schema } = this.#options;
    const database = this.#database;
    const [found] = await database.run(
      'SELECT to_regclass($1) IS NOT NULL AS store, to_regclass($2) IS NOT NULL AS moving',
      [`${this.#schema}.store`, `${this.#schema}.moving`],
    );
    if (found?.['store'] === true && found['moving'] !== true) {
      const message = `there is a store in schema ${schema} already; drop the schema, or set outbox.schema to another one`;
      throw new TrackbridgeError('START_FAILED', message);
    }
    if (found?.['store'] !== true) {
      await migrate(database, schema, partitions, async (session) => {
        await session.run(
          `CREATE TABLE ${this.#schema}.moving (source text NOT NULL, written bigint NOT NULL)`,
        );
        await session.run(`INSERT INTO ${this.#schema}.moving VALUES ($1, 0)`, [id]);
        await session.run(`UPDATE ${this.#schema}.store SET id = $1`, [id]);
        for (const { active, name, paused } of sinks) {
          await session.run(
            `INSERT INTO ${this.#schema}.sink (name, active, paused, max_pending, full_policy, baseline) VALUES ($1, $2, $3, $4, 'refuse', 0)`,
            [name, active, paused, this.#options.maxPending],
          );
        }
      });
    }
    const [moving] = await database.run(`SELECT source, written FROM ${this.#schema}.moving`);
    if (moving?.['source'] !== id) {
      const message = `the move of another store into schema ${schema} was interrupted; finish that one, or drop the schema`;
      throw new TrackbridgeError('START_FAILED', message);
    }
    for (const row of await database.run(`SELECT id, name FROM ${this.#schema}.sink`)) {
      this.#sinks.set(String(row['name']), Number(row['id']));
    }
    const [last] = await database.run(`SELECT max(after) AS after FROM ${this.#schema}.segment`);
    this.#after = Number(last?.['after']);
    this.#tail = Number(moving['written']);
    // These are few, and are written as a whole.
    await database.run(
      `TRUNCATE ${this.#schema}.seen_0, ${this.#schema}.dead_letter, ${this.#schema}.quarantine, ${this.#schema}.quarantine_tally`,
    );
    return this.#tail;
  }

  async events(events: readonly MovedEvent[], first: number): Promise<void> {
    const { partitions } = this.#options;
    await this.#database.transact(async (session) => {
      await this.#makeRoom(session, first + events.length);
      await session.run(
        {
          name: 'move events',
          text: `INSERT INTO ${this.#schema}.event (position, partition, only_sink, received_at, order_key, json)
            SELECT $1::bigint + e.n - 1, e.partition, nullif(e.only_sink, 0), e.received_at, coalesce(e.order_key, ''), e.json
            FROM unnest($2::smallint[], $3::integer[], $4::bigint[], string_to_array($5::text, '${SEPARATOR}'),
              string_to_array($6::text, '${SEPARATOR}')) WITH ORDINALITY AS e (partition, only_sink, received_at, order_key, json, n)`,
        },
        [
          first,
          arrayText(events.map(({ orderKey }) => partitionOf(orderKey, partitions))),
          arrayText(events.map(({ onlySink }) => this.#sinks.get(onlySink ?? '') ?? 0)),
          arrayText(events.map(({ receivedAt }) => receivedAt)),
          joined(events.map(({ orderKey }) => storedText(orderKey))),
          joined(events.map(({ json }) => json)),
        ],
      );
      for (const [at, { orderKey, pending }] of events.entries()) {
        for (const { attempts, sink } of pending) {
          for (const [number, attempt] of attempts.entries()) {
            await session.run(
              `INSERT INTO ${this.#schema}.attempt VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
              [
                this.#sinks.get(sink),
                partitionOf(orderKey, partitions),
                first + at,
                number + 1,
                Math.round(attempt.at),
                attempt.error,
                attempt.farSide ?? null,
                attempt.crashed ?? null,
              ],
            );
          }
        }
      }
      this.#tail = first + events.length - 1;
      await session.run(`UPDATE ${this.#schema}.moving SET written = $1`, [this.#tail]);
    });
  }

  async seen(ids: readonly MovedId[]): Promise<void> {
    await this.#database.run(
      {
        name: 'move ids',
        text: `INSERT INTO ${this.#schema}.seen_0 (key, at, authenticated)
          SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::boolean[])
          ON CONFLICT (key) DO UPDATE SET at = excluded.at, authenticated = excluded.authenticated`,
      },
      [
        arrayText(ids.map(({ key }) => key)),
        arrayText(ids.map(({ at }) => at)),
        arrayText(ids.map(({ authenticated }) => authenticated)),
      ],
    );
  }

  async deadLetters(letters: readonly MovedLetter[]): Promise<void> {
    for (const { at, attempts, json, orderKey, sink } of letters) {
      await this.#database.run(
        `INSERT INTO ${this.#schema}.dead_letter (sink, at, order_key, attempts, json) VALUES ($1, $2, $3, $4, $5)`,
        [
          this.#sinks.get(sink),
          Math.round(at),
          storedText(orderKey),
          JSON.stringify(attempts),
          json,
        ],
      );
      this.#dead.set(sink, (this.#dead.get(sink) ?? 0) + 1);
    }
  }

  async quarantine(entries: readonly Omit<Quarantined, 'id'>[]): Promise<void> {
    for (const entry of entries) {
      const { delivery, deliveryId, errors, raw, reason, receivedAt, source } = entry;
      await this.#database.run(
        `INSERT INTO ${this.#schema}.quarantine (source, delivery_id, received_at, reason, errors, delivery, raw)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [source, deliveryId, receivedAt, reason, JSON.stringify(errors), delivery, raw],
      );
      countQuarantined(this.#quarantine, entry);
    }
  }

  async finish(
    { accepted, duplicates, quarantined, sinks }: MoveSummary,
    progress: ReadonlyMap<string, MovedProgress>,
  ): Promise<void> {
    const schema = this.#schema;
    await this.#database.transact(async (session) => {
      await session.run(`SELECT setval('${schema}.position', $1::bigint, $2)`, [
        Math.max(1, this.#tail),
        this.#tail > 0,
      ]);
      await session.run(`INSERT INTO ${schema}.tally VALUES ($1, $1, $2, $3, $4)`, [
        NOBODY,
        accepted,
        duplicates,
        quarantined,
      ]);
      for (const { delivered, discarded, filtered, name } of sinks) {
        const id = this.#sinks.get(name);
        const own = progress.get(name);
        if (id === undefined || own === undefined) continue;
        const counts = [delivered, filtered, discarded, this.#dead.get(name) ?? 0];
        await session.run(
          `INSERT INTO ${schema}.sink_tally VALUES ($1, $1, $2, $3, $4, $5, 0, 0, 0, $6)`,
          [NOBODY, id, ...counts],
        );
        await session.run(`UPDATE ${schema}.sink SET baseline = $2 WHERE id = $1`, [
          id,
          accepted - delivered - filtered - discarded - own.pending,
        ]);
        await this.#lanes(session, id, own);
      }
      for (const [source, { entries, weight }] of this.#quarantine) {
        await session.run(`INSERT INTO ${schema}.quarantine_tally VALUES ($1, $1, $2, $3, $4)`, [
          NOBODY,
          source,
          entries,
          weight,
        ]);
      }
      await session.run(`UPDATE ${schema}.store SET generation_since = clock_timestamp()`);
      await session.run(`DROP TABLE ${schema}.moving`);
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Writes the lane records: everything up to the sink's position is settled, and above it what is listed. */
  async #lanes(
    session: Session,
    sink: number,
    { position, settled }: MovedProgress,
  ): Promise<void> {
    const schema = this.#schema;
    await session.run(
      `INSERT INTO ${schema}.lane (sink, partition, xid, position, void, settled)
       SELECT $1::integer, p.partition, coalesce(l.xid, '0'), coalesce(l.position, 0), $3::bigint, coalesce(a.settled, '{}')
       FROM generate_series(0, $2::integer - 1) AS p (partition)
       LEFT JOIN LATERAL (SELECT xid, position FROM ${schema}.event e WHERE e.partition = p.partition AND e.position <= $3::bigint
         ORDER BY e.xid DESC, e.position DESC LIMIT 1) l ON true
       LEFT JOIN (SELECT e.partition, array_agg(e.position ORDER BY e.position) AS settled FROM ${schema}.event e
         WHERE e.position = ANY($4::bigint[]) GROUP BY e.partition) a ON a.partition = p.partition`,
      [sink, this.#options.partitions, position, arrayText(settled)],
    );
  }

  /** Creates segments up to a position. */
  async #makeRoom(session: Session, until: number): Promise<void> {
    while (this.#after <= until) {
      const [last] = await session.run(`SELECT max(number) AS number FROM ${this.#schema}.segment`);
      const number = Number(last?.['number']) + 1;
      const [from, to] = [this.#after, this.#after + FIRST_SEGMENT];
      await session.run(
        `CREATE TABLE ${this.#schema}.event_${number} PARTITION OF ${this.#schema}.event FOR VALUES FROM (${from}) TO (${to})`,
      );
      await session.run(
        `INSERT INTO ${this.#schema}.segment (number, first, after) VALUES ($1, $2, $3)`,
        [number, from, to],
      );
      this.#after = to;
    }
  }
}
