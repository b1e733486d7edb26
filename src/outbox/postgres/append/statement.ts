import type { NewEvent } from '../../intake.js';
import { orderHash } from '../../order-hash.js';
import type { Row, Session, Statement } from '../connection/database.js';
import { SEEN_TABLES } from '../schema/migrations.js';
import { keyOf } from './key.js';
import { arrayText, joined, SEPARATOR, storedText } from './text.js';

/** A key has one row in the statement, however many events have it. */
interface Key {
  authenticated: boolean;
}

/**
 * The statement that appends events and counts them. It returns no row if another generation is current. `generation`
 * counts upwards; its table takes new ids, and the ones before it are looked up.
 */
function appendStatement(schema: string, generation: number): Statement {
  const table = (back: number): string =>
    `${schema}.seen_${(generation + SEEN_TABLES - back) % SEEN_TABLES}`;
  // One of the tables is being emptied.
  const earlier = Array.from(
    { length: SEEN_TABLES - 2 },
    (_, at) =>
      `SELECT key, authenticated FROM ${table(at + 1)} WHERE key = ANY($2::uuid[]) AND at > (SELECT now FROM guard) - $4::bigint`,
  );
  const text = `
WITH guard AS MATERIALIZED (
  SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now FROM ${schema}.store WHERE generation = $1::integer
),
known AS MATERIALIZED (
  SELECT key, bool_or(authenticated) AS authenticated FROM (${earlier.join(' UNION ALL ')}) earlier GROUP BY key
),
claimed AS (
  INSERT INTO ${table(0)} AS s (key, at, authenticated)
  SELECT k.key, g.now, k.authenticated
    FROM guard g, unnest($2::uuid[], $3::boolean[]) AS k (key, authenticated) LEFT JOIN known o ON o.key = k.key
    WHERE o.key IS NULL OR (k.authenticated AND NOT o.authenticated)
    ORDER BY k.key
  ON CONFLICT (key) DO UPDATE SET at = excluded.at, authenticated = true
    WHERE excluded.authenticated AND NOT s.authenticated
  RETURNING s.key, s.xmax = 0 AS inserted
),
numbered AS MATERIALIZED (
  SELECT nextval('${schema}.position') AS position, e.* FROM (
    SELECT e.n, e.partition, e.received_at, e.order_key, e.json
      FROM guard, unnest($5::uuid[], $6::boolean[], $7::smallint[], $8::bigint[],
        string_to_array($9::text, '${SEPARATOR}'), string_to_array($10::text, '${SEPARATOR}'))
        WITH ORDINALITY AS e (key, authenticated, partition, received_at, order_key, json, n)
      LEFT JOIN claimed c ON c.key = e.key LEFT JOIN known o ON o.key = e.key
      WHERE e.key IS NULL OR (c.key IS NOT NULL AND (e.authenticated OR (c.inserted AND o.key IS NULL)))
      ORDER BY e.n
  ) e
),
written AS (
  INSERT INTO ${schema}.event (position, partition, received_at, order_key, json)
  SELECT position, partition, received_at, coalesce(order_key, ''), json FROM numbered ORDER BY position
),
counted AS (
  INSERT INTO ${schema}.tally AS t (writer, member, accepted, duplicates, quarantined)
  SELECT $11::uuid, $12::uuid, n.accepted, $13::integer - n.accepted, 0
    FROM guard, (SELECT count(*) AS accepted FROM numbered) n
  ON CONFLICT (writer) DO UPDATE SET
    accepted = t.accepted + excluded.accepted, duplicates = t.duplicates + excluded.duplicates
)
SELECT array_agg(n.n ORDER BY n.n)::text AS numbers, array_agg(n.position ORDER BY n.n)::text AS positions
  FROM guard LEFT JOIN numbered n ON true GROUP BY guard.now`;
  return { name: `append ${generation % SEEN_TABLES}`, text };
}

export interface AppendScope {
  readonly schema: string;
  readonly generation: number;
  readonly partitions: number;
  /** Milliseconds. */
  readonly dedupeWindow: number;
  readonly writer: string;
  readonly member: string;
}

/**
 * Appends events. Resolves to a position for each, null for a duplicate; or to undefined if another generation is
 * current and nothing was written.
 */
export async function appendEvents(
  session: Session,
  events: readonly NewEvent[],
  scope: AppendScope,
): Promise<(number | null)[] | undefined> {
  const { dedupeWindow, generation, member, partitions, schema, writer } = scope;
  const keys = new Map<string, Key>();
  /** The events that may be accepted, by their index: of equal ids the first, and the first authenticated one. */
  const candidates: number[] = [];
  const ownKeys: (string | null)[] = [];
  for (const [at, { authenticated, messageId, scope: name }] of events.entries()) {
    const key = messageId === undefined ? null : keyOf(name, messageId);
    if (key !== null) {
      const known = keys.get(key);
      if (known !== undefined && (known.authenticated || !authenticated)) continue;
      if (known === undefined) keys.set(key, { authenticated });
      else known.authenticated = true;
    }
    candidates.push(at);
    ownKeys.push(key);
  }
  // In the same order in every transaction, so that two never wait for each other.
  const sorted = [...keys].sort(([a], [b]) => (a < b ? -1 : 1));
  const chosen = candidates.flatMap((at) => events[at] ?? []);
  const [row] = await session.run(appendStatement(schema, generation), [
    generation,
    arrayText(sorted.map(([key]) => key)),
    arrayText(sorted.map(([, { authenticated }]) => authenticated)),
    dedupeWindow,
    arrayText(ownKeys),
    arrayText(chosen.map(({ authenticated }) => authenticated)),
    arrayText(chosen.map(({ orderKey }) => partitionOf(orderKey, partitions))),
    arrayText(chosen.map(({ receivedAt }) => receivedAt)),
    joined(chosen.map(({ orderKey }) => storedText(orderKey))),
    joined(chosen.map(({ json }) => json)),
    writer,
    member,
    events.length,
  ]);
  return row === undefined ? undefined : positionsOf(row, candidates, events.length);
}

function positionsOf(row: Row, candidates: readonly number[], events: number): (number | null)[] {
  const positions = new Array<number | null>(events).fill(null);
  const numbers = numbersIn(row['numbers']);
  for (const [index, position] of numbersIn(row['positions']).entries()) {
    const at = candidates[(numbers[index] ?? 0) - 1];
    if (at !== undefined) positions[at] = position;
  }
  return positions;
}

/** Reads an array of numbers as the server writes it. */
export function numbersIn(value: unknown): number[] {
  const text = typeof value === 'string' ? value.slice(1, -1) : '';
  return text === '' || text === 'NULL' ? [] : text.split(',').map(Number);
}

/** Returns the partition of an order key. It must never change: a user's events would be on two partitions. */
export function partitionOf(orderKey: string, partitions: number): number {
  return orderHash(orderKey) % partitions;
}
