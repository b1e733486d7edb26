import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import type { Exchange, ExchangeBounds, ExchangePage } from '../exchange.js';
import { arrayText, joined, SEPARATOR } from './append/text.js';
import { Database, type Session } from './connection/database.js';
import { NEWS } from './hints.js';
import { quotedIdentifier } from './schema/migrate.js';

/** How long the wish to see what others record holds, in milliseconds. */
const WISH = 10_000;

/** The entries and bytes of one read. */
const PAGE = 500;
const PAGE_BYTES = 4 * 1024 * 1024;

/** The writers whose place in what they wrote is remembered. */
const MOST_WRITERS = 1_000;

export interface PostgresExchangeDeps {
  readonly url: string;
  /** Not quoted. */
  readonly schema: string;
  /** The hints' channel as a quoted identifier. */
  readonly channel: string;
  readonly member: string;
  readonly clock: Clock;
}

/**
 * An exchange over a table that the server keeps without a log. It has a connection of its own, so that no delivery
 * waits for it, and opens it with the first use.
 */
export class PostgresExchange implements Exchange {
  readonly member: string;
  readonly #database: Database;
  readonly #schema: string;
  readonly #channel: string;
  /** A process that was restarted is another writer, even under the same name. */
  readonly #writer = randomUUID();
  readonly #listeners = new Set<() => void>();
  /** By writer, the last entry that was read. Each writer writes one group after the other, so none appears later. */
  readonly #places = new Map<string, number>();
  #written = 0;
  #isWatched = false;

  constructor({ channel, clock, member, schema, url }: PostgresExchangeDeps) {
    this.member = member;
    this.#channel = channel;
    this.#schema = quotedIdentifier(schema);
    this.#database = new Database(url, 1, 'trackbridge inspector', clock);
  }

  get isWatched(): boolean {
    return this.#isWatched;
  }

  onWatched(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks the store whether another member wants to see what this one records. */
  async learn(session: Session): Promise<void> {
    const [row] = await session.run(
      {
        name: 'watched',
        text: `SELECT EXISTS (SELECT FROM ${this.#schema}.watcher WHERE writer <> $1 AND until > clock_timestamp()) AS watched`,
      },
      [this.#writer],
    );
    const isWatched = row?.['watched'] === true;
    if (isWatched === this.#isWatched) return;
    this.#isWatched = isWatched;
    for (const listener of this.#listeners) listener();
  }

  async watch(): Promise<void> {
    await this.#database.use(async (session) => {
      const [row] = await session.run(
        {
          name: 'watch',
          text: `INSERT INTO ${this.#schema}.watcher AS w (writer, until) VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
            ON CONFLICT (writer) DO UPDATE SET until = excluded.until RETURNING xmax = 0 AS is_new`,
        },
        [this.#writer, WISH],
      );
      if (row?.['is_new'] === true) await session.run(`NOTIFY ${this.#channel}, '${NEWS}'`);
    });
  }

  async write(entries: readonly string[]): Promise<void> {
    if (entries.length === 0) return;
    const first = this.#written + 1;
    this.#written += entries.length;
    await this.#database.run(
      {
        name: 'record',
        text: `INSERT INTO ${this.#schema}.recording (writer, number, bytes, entry)
          SELECT $1, $2::bigint + e.n - 1, octet_length(e.entry), e.entry
            FROM unnest(string_to_array($3::text, '${SEPARATOR}')) WITH ORDINALITY AS e (entry, n)`,
      },
      [this.#writer, first, joined(entries)],
    );
  }

  async read(): Promise<ExchangePage> {
    const places = [...this.#places];
    const rows = await this.#database.run(
      {
        name: 'recorded',
        // By number, so that a page holds the first of what is missing of each writer.
        text: `SELECT writer, number, entry FROM (
            SELECT r.*, sum(r.bytes) OVER (ORDER BY r.number, r.writer) - r.bytes AS before
              FROM ${this.#schema}.recording r LEFT JOIN unnest($2::uuid[], $3::bigint[]) AS p (writer, number) ON p.writer = r.writer
              WHERE r.writer <> $1 AND r.number > coalesce(p.number, 0) ORDER BY r.number, r.writer LIMIT ${PAGE}
          ) page WHERE before < ${PAGE_BYTES} ORDER BY number, writer`,
      },
      [
        this.#writer,
        arrayText(places.map(([writer]) => writer)),
        arrayText(places.map(([, number]) => number)),
      ],
    );
    let bytes = 0;
    const entries = rows.map((row) => {
      const [writer, entry] = [String(row['writer']), String(row['entry'])];
      this.#places.delete(writer);
      this.#places.set(writer, Number(row['number']));
      bytes += entry.length;
      return entry;
    });
    const [oldest] = this.#places.keys();
    if (this.#places.size > MOST_WRITERS && oldest !== undefined) this.#places.delete(oldest);
    return { entries, isCut: rows.length === PAGE || bytes > PAGE_BYTES / 2 };
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/** Drops what is above the bounds, the oldest first. */
export async function boundExchange(
  session: Session,
  schema: string,
  { keep, max, size }: ExchangeBounds,
): Promise<void> {
  await session.run(
    {
      name: 'drop records',
      text: `DELETE FROM ${schema}.recording r USING (
          SELECT writer, number, at, row_number() OVER newest AS n, sum(bytes) OVER newest AS total
            FROM ${schema}.recording WINDOW newest AS (ORDER BY at DESC, number DESC)
        ) o WHERE r.writer = o.writer AND r.number = o.number
          AND (o.n > $1::bigint OR o.total > $2::bigint OR o.at < clock_timestamp() - $3 * interval '1 millisecond')`,
    },
    [max, size, keep],
  );
  await session.run({
    name: 'drop watchers',
    text: `DELETE FROM ${schema}.watcher WHERE until < clock_timestamp() - interval '1 minute'`,
  });
}
