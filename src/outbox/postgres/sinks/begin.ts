import type { SinkLimit } from '../../limits.js';
import { type Beginning, roomToBegin } from '../../start.js';
import type { SinkStart } from '../../store.js';
import { arrayText } from '../append/text.js';
import type { Session } from '../connection/database.js';
import { IS_PENDING } from '../lanes/pending.js';
import { countSink } from '../totals.js';

/** The owner of counts that no member's own counters hold. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** A sink that begins: it is new or returns, and no member delivers to it. */
export interface BeginningSink {
  readonly id: number;
  readonly limit: SinkLimit;
  /** What was pending for it. */
  readonly pending: number;
}

/** Applies `start` to a sink that begins, in a transaction that lets nothing be accepted. */
export async function beginSink(
  session: Session,
  schema: string,
  sink: BeginningSink,
  { from }: SinkStart,
): Promise<Beginning> {
  // Whoever still holds a lane loses it.
  const lanes = `UPDATE ${schema}.lane l SET epoch = epoch + 1, turn = turn + 1, owner = NULL`;
  if (from === 'next') {
    await session.run(
      `${lanes}, xid = pg_current_xact_id(), position = 0, settled = '{}' WHERE sink = $1`,
      [sink.id],
    );
    await clear(session, schema, sink);
    await countSink(session, schema, NOBODY, NOBODY, sink.id, { discarded: sink.pending });
    return { events: 0, left: 0, discarded: sink.pending };
  }
  const since = from === 'retained' ? Number.MIN_SAFE_INTEGER : from;
  const own = (
    await session.run(
      `SELECT e.position FROM ${schema}.event e JOIN ${schema}.lane l ON ${IS_PENDING}
        WHERE l.sink = $1 AND e.only_sink = $1 ORDER BY e.position`,
      [sink.id],
    )
  ).map((row) => Number(row['position']));
  const [chosen] = await session.run(
    `SELECT min(position) AS first, count(*) AS events FROM (SELECT position FROM ${schema}.event
      WHERE only_sink IS NULL AND received_at >= $1 ORDER BY position DESC LIMIT $2) c`,
    [since, roomToBegin(sink.limit, own.length)],
  );
  const [all] = await session.run(
    `SELECT count(*) AS events FROM ${schema}.event WHERE only_sink IS NULL AND received_at >= $1`,
    [since],
  );
  const [tail] = await session.run(`SELECT last_value FROM ${schema}.position`);
  const first = Number(chosen?.['first'] ?? Number(tail?.['last_value']) + 1);
  const begin = Math.min(first, own[0] ?? first);
  // Settled: what arrived before that time though it was written after it, and what was requeued and is settled.
  await session.run(
    `${lanes}, xid = '0', position = 0, void = $2::bigint - 1, settled = coalesce((SELECT array_agg(e.position ORDER BY e.position)
        FROM ${schema}.event e WHERE e.partition = l.partition AND e.position >= $2::bigint AND
          CASE WHEN e.only_sink IS NULL THEN e.received_at < $3::bigint OR e.position < $4::bigint
          ELSE e.only_sink = $1::integer AND NOT e.position = ANY($5::bigint[]) END), '{}')
      WHERE l.sink = $1::integer`,
    [sink.id, begin, since, first, arrayText(own)],
  );
  await clear(session, schema, sink);
  const chosenEvents = Number(chosen?.['events'] ?? 0);
  const events = chosenEvents + own.length;
  await session.run(`UPDATE ${schema}.sink SET baseline = baseline + $2 WHERE id = $1`, [
    sink.id,
    sink.pending - events,
  ]);
  const left = Number(all?.['events'] ?? 0) - chosenEvents;
  const oldestReceivedAt = await oldestOf(session, schema, sink.id);
  return { events, left, discarded: 0, oldestReceivedAt };
}

/** Resolves to when the oldest pending event of a sink arrived, in milliseconds since the epoch. */
export async function oldestOf(
  session: Session,
  schema: string,
  sink: number,
): Promise<number | undefined> {
  const [oldest] = await session.run(
    {
      name: 'oldest',
      text: `SELECT o.received_at FROM ${schema}.lane l CROSS JOIN LATERAL (
          SELECT e.position, e.received_at FROM ${schema}.event e WHERE ${IS_PENDING} ORDER BY e.xid, e.position LIMIT 1
        ) o WHERE l.sink = $1 ORDER BY o.position LIMIT 1`,
    },
    [sink],
  );
  return oldest === undefined ? undefined : Number(oldest['received_at']);
}

async function clear(session: Session, schema: string, { id }: BeginningSink): Promise<void> {
  await session.run(`DELETE FROM ${schema}.attempt WHERE sink = $1`, [id]);
}
