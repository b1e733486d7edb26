import type { Attempt } from '../../feed.js';
import { numbersIn } from '../append/statement.js';
import { arrayText } from '../append/text.js';
import type { Row } from '../connection/database.js';
import type { Shared } from '../shared.js';
import { type LaneRecord, Partition } from './partition.js';

const COLUMNS = 'partition, epoch, turn, xid::text AS tx, position, settled::text AS settled, void';

/** Takes and gives back the partitions of one sink, as records that only one member can own. */
export class Ownership {
  readonly #shared: Shared;
  readonly #sink: number;

  constructor(shared: Shared, sink: number) {
    this.#shared = shared;
    this.#sink = sink;
  }

  /**
   * Takes up to `most` partitions that nobody owns, or whose owner is dead by the clock of the store. `held` are those
   * that this process works on already.
   */
  async take(most: number, held: readonly number[]): Promise<readonly Partition[]> {
    const { database, membership, schema } = this.#shared;
    if (most <= 0) return [];
    const rows = await database.run(
      {
        name: 'take',
        text: `UPDATE ${schema}.lane l SET owner = $2::uuid, epoch = l.epoch + 1 FROM (
            SELECT sink, partition FROM ${schema}.lane o
             WHERE sink = $1::integer AND partition <> ALL($4::smallint[]) AND (owner IS NULL OR owner = $2::uuid
               OR NOT EXISTS (SELECT 1 FROM ${schema}.member m WHERE m.id = o.owner AND m.expires_at > clock_timestamp()))
             ORDER BY partition LIMIT $3::integer FOR UPDATE SKIP LOCKED
          ) free WHERE l.sink = free.sink AND l.partition = free.partition
          RETURNING l.partition, l.epoch, l.turn, l.xid::text AS tx, l.position, l.settled::text AS settled, l.void`,
      },
      [this.#sink, membership.id, most, arrayText(held)],
    );
    if (rows.length === 0) return [];
    const records = rows.map(recordIn);
    const attempts = await this.#attempts(records.map(({ partition }) => partition));
    return records.map(
      (record) => new Partition(record, attempts.get(record.partition) ?? new Map()),
    );
  }

  /** Gives partitions back, so that another member can take them at once. */
  async release(partitions: readonly Partition[]): Promise<void> {
    const { database, membership, schema } = this.#shared;
    if (partitions.length === 0) return;
    await database.run(
      {
        name: 'release',
        text: `UPDATE ${schema}.lane l SET owner = NULL FROM unnest($2::smallint[], $3::bigint[]) AS p (partition, epoch)
          WHERE l.sink = $1::integer AND l.partition = p.partition AND l.epoch = p.epoch AND l.owner = $4::uuid`,
      },
      [
        this.#sink,
        arrayText(partitions.map(({ number }) => number)),
        arrayText(partitions.map(({ epoch }) => epoch)),
        membership.id,
      ],
    );
  }

  /** Reads the records that this process still owns, by partition. */
  async owned(): Promise<ReadonlyMap<number, LaneRecord>> {
    const { database, membership, schema } = this.#shared;
    const rows = await database.run(
      {
        name: 'owned',
        text: `SELECT ${COLUMNS} FROM ${schema}.lane WHERE sink = $1::integer AND owner = $2::uuid`,
      },
      [this.#sink, membership.id],
    );
    return new Map(rows.map(recordIn).map((record) => [record.partition, record]));
  }

  /** The failed attempts of earlier owners, by partition and position. */
  async #attempts(
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, Map<number, Attempt[]>>> {
    const { database, schema } = this.#shared;
    const rows = await database.run(
      {
        name: 'attempts',
        text: `SELECT partition, position, at, error, far_side, crashed FROM ${schema}.attempt
          WHERE sink = $1::integer AND partition = ANY($2::smallint[]) ORDER BY position, number`,
      },
      [this.#sink, arrayText(partitions)],
    );
    const all = new Map<number, Map<number, Attempt[]>>();
    for (const row of rows) {
      const number = Number(row['partition']);
      const own = all.get(number) ?? new Map<number, Attempt[]>();
      all.set(number, own);
      const position = Number(row['position']);
      own.set(position, [...(own.get(position) ?? []), attemptIn(row)]);
    }
    return all;
  }
}

function recordIn(row: Row): LaneRecord {
  return {
    partition: Number(row['partition']),
    epoch: String(row['epoch']),
    turn: Number(row['turn']),
    xid: BigInt(String(row['tx'])),
    position: Number(row['position']),
    settled: numbersIn(row['settled']),
    void: Number(row['void']),
  };
}

function attemptIn(row: Row): Attempt {
  const farSide = row['far_side'];
  return {
    at: Number(row['at']),
    error: String(row['error']),
    ...(typeof farSide === 'string' ? { farSide } : {}),
    ...(row['crashed'] === true ? { crashed: true } : {}),
  };
}
