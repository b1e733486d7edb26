import { arrayText, readText } from '../append/text.js';
import type { Shared } from '../shared.js';
import type { OpenEvent, Partition } from './partition.js';

/** The store keeps a text larger than this, in bytes, until its event is claimed. */
const LARGE = 64 * 1024;

/** The texts that one read returns, in bytes, and the events of one partition in it. */
const MOST_BYTES = 2 * 1024 * 1024;
const MOST_EVENTS = 500;

/** A segment of the table of events. `lastXid` is known once no transaction can add to it. */
export interface Segment {
  readonly number: number;
  readonly first: number;
  readonly after: number;
  readonly lastXid: bigint | undefined;
}

/** What was read, and whether a running transaction may have hidden more. */
export interface ReadResult {
  readonly events: readonly OpenEvent[];
  readonly mayHide: boolean;
}

/** Reads the events of partitions in order, as far as no running transaction can add an earlier one. */
export class Reader {
  readonly #shared: Shared;
  readonly #sink: number;

  constructor(shared: Shared, sink: number) {
    this.#shared = shared;
    this.#sink = sink;
  }

  /** Reads on in these partitions. `segments` are all that there are. */
  async read(partitions: readonly Partition[], segments: readonly Segment[]): Promise<ReadResult> {
    const { database, schema } = this.#shared;
    const each = Math.max(20, Math.ceil((4 * MOST_EVENTS) / Math.max(1, partitions.length)));
    const limit = Math.min(MOST_EVENTS, each);
    const versions = new Map(partitions.map((partition) => [partition, partition.version]));
    const rows = await database.run(
      {
        name: 'read',
        // Casts come after ordering: a column that was cast to text under its own name sorts as text.
        text: `WITH snap AS MATERIALIZED (SELECT pg_current_snapshot() AS snap)
          SELECT pg_snapshot_xmin(snap)::text AS horizon, pg_snapshot_xmin(snap) < pg_snapshot_xmax(snap) AS hides,
            x.partition, x.xid::text AS tx, x.position, x.order_key, x.bytes, x.running,
            CASE WHEN x.bytes <= ${LARGE} AND x.running - x.bytes < ${MOST_BYTES} THEN x.json END AS json
          FROM snap LEFT JOIN (
            SELECT e.*, sum(CASE WHEN e.bytes <= ${LARGE} THEN e.bytes ELSE 0 END) OVER (ORDER BY e.xid, e.position) AS running
            FROM snap, unnest($2::smallint[], $3::xid8[], $4::bigint[], $5::bigint[]) AS c (partition, xid, position, void)
            CROSS JOIN LATERAL (
              SELECT e.partition, e.xid, e.position, e.order_key, octet_length(e.json) AS bytes, e.json FROM ${schema}.event e
              WHERE e.partition = c.partition AND (e.xid, e.position) > (c.xid, c.position)
                AND e.xid < pg_snapshot_xmin(snap.snap) AND e.position > c.void AND e.position >= $6::bigint
                AND (e.only_sink IS NULL OR e.only_sink = $1::integer)
              ORDER BY e.xid, e.position LIMIT $7::integer
            ) e
          ) x ON true ORDER BY x.xid, x.position`,
      },
      [
        this.#sink,
        arrayText(partitions.map(({ number }) => number)),
        arrayText(partitions.map(({ read }) => read.xid)),
        arrayText(partitions.map(({ read }) => read.position)),
        arrayText(partitions.map((each) => each.void)),
        floorOf(partitions, segments),
        limit,
      ],
    );
    const valid = partitions.filter((partition) => versions.get(partition) === partition.version);
    const byNumber = new Map(valid.map((partition) => [partition.number, partition]));
    const counts = new Map<Partition, number>();
    const cut = new Set<Partition>();
    const events: OpenEvent[] = [];
    const [first] = rows;
    const mayHide = first?.['hides'] === true;
    for (const row of rows) {
      const partition = byNumber.get(Number(row['partition'] ?? -1));
      if (partition === undefined) continue;
      const bytes = Number(row['bytes']);
      const json = row['json'];
      // Beyond the bytes of one read.
      if (typeof json !== 'string' && bytes <= LARGE) cut.add(partition);
      if (cut.has(partition)) continue;
      const position = Number(row['position']);
      const place = { xid: BigInt(String(row['tx'])), position };
      counts.set(partition, (counts.get(partition) ?? 0) + 1);
      partition.read = place;
      this.#shared.continuity.saw(position);
      const event: OpenEvent = {
        ...place,
        id: String(position),
        orderKey: readText(String(row['order_key'])),
        bytes,
        json: typeof json === 'string' ? json : null,
        attempts: [...(partition.attempts.get(position) ?? [])],
        partition,
        state: 'buffered',
      };
      if (partition.add(event)) events.push(event);
    }
    const horizon = BigInt(String(first?.['horizon'] ?? 0));
    for (const partition of valid) {
      const isLimited = cut.has(partition) || (counts.get(partition) ?? 0) >= limit;
      partition.isBehind = isLimited || mayHide;
      // Later reads begin at the horizon, which lets them leave out old segments.
      if (!isLimited && partition.read.xid < horizon) {
        partition.read = { xid: horizon, position: 0 };
      }
    }
    return { events, mayHide };
  }

  /** Reads texts by position. Omits events that the store no longer holds. */
  async texts(positions: readonly number[]): Promise<ReadonlyMap<number, string>> {
    if (positions.length === 0) return new Map();
    const { database, schema } = this.#shared;
    const rows = await database.run(
      {
        name: 'texts',
        text: `SELECT position, json FROM ${schema}.event WHERE position = ANY($1::bigint[])`,
      },
      [arrayText(positions)],
    );
    return new Map(rows.map((row) => [Number(row['position']), String(row['json'])]));
  }
}

/** Returns the first position that these partitions may have to read. */
function floorOf(partitions: readonly Partition[], segments: readonly Segment[]): number {
  let least: bigint | undefined;
  for (const { read } of partitions) {
    if (least === undefined || read.xid < least) least = read.xid;
  }
  const from = least ?? 0n;
  const needed = segments.filter(({ lastXid }) => lastXid === undefined || lastXid >= from);
  return needed.reduce((first, each) => Math.min(first, each.first), Number.MAX_SAFE_INTEGER);
}

/** Reads the segments that there are. */
export async function readSegments({ database, schema }: Shared): Promise<readonly Segment[]> {
  const rows = await database.run({
    name: 'segments',
    text: `SELECT number, first, after, last_xid::text AS last FROM ${schema}.segment ORDER BY number`,
  });
  return rows.map((row) => ({
    number: Number(row['number']),
    first: Number(row['first']),
    after: Number(row['after']),
    lastXid: row['last'] === null ? undefined : BigInt(String(row['last'])),
  }));
}
