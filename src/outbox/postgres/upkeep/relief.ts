import { overLimit } from '../../limits.js';
import { arrayText, joined, SEPARATOR } from '../append/text.js';
import type { Row, Session } from '../connection/database.js';
import { IS_PENDING } from '../lanes/pending.js';
import type { Shared } from '../shared.js';
import type { StoredSink } from '../sinks/registration.js';
import { countSink, readSums, type SinkTotals } from '../totals.js';

/**
 * The maximum number of events that one transaction removes from a backlog. Each lane is asked for as many, since all of
 * the oldest events may be in one.
 */
const SLICE = 2_000;

/** What was removed from a backlog: up to which position nothing is pending, and how many events that were. */
export interface Removed {
  readonly upTo: number;
  readonly events: number;
}

/** Discards everything that is pending for a sink. */
export async function purgeSink(shared: Shared, sink: StoredSink): Promise<Removed> {
  const { database, membership, schema, totals } = shared;
  const removed = await database.transact(async (session): Promise<Removed> => {
    await hold(session, schema, sink);
    const { accepted, sinks } = await readSums(session, schema);
    const own = sinks.get(sink.id);
    const left =
      own === undefined
        ? 0
        : own.delivered + own.filtered + own.discarded + own.died + own.missed - own.requeued;
    const events = Math.max(0, accepted - sink.baseline - left);
    const [at] = await session.run(`SELECT last_value FROM ${schema}.position`);
    const upTo = Number(at?.['last_value'] ?? 0);
    if (events === 0) return { upTo: 0, events };
    await voidUpTo(session, shared, sink, upTo);
    const writer = totals.writer('other');
    await countSink(session, schema, writer, membership.id, sink.id, { discarded: events });
    return { upTo, events };
  });
  totals.counted(sink.id, { discarded: removed.events });
  return removed;
}

/** Removes a slice of the oldest events of a sink that is above its limit. */
async function relieveSink(shared: Shared, sink: StoredSink): Promise<Removed> {
  const { backlogs, database, membership, schema, totals } = shared;
  const excess = Math.min(SLICE, backlogs.excess(sink));
  if (excess === 0) return { upTo: 0, events: 0 };
  const dead = sink.limit.full === 'dead-letter';
  const counted = (events: number): Partial<SinkTotals> =>
    dead ? { died: events, letters: events } : { discarded: events };
  const removed = await database.transact(async (session): Promise<Removed> => {
    await hold(session, schema, sink);
    const rows = await session.run(
      `SELECT o.position FROM ${schema}.lane l CROSS JOIN LATERAL (
          SELECT e.position FROM ${schema}.event e WHERE ${IS_PENDING} ORDER BY e.xid, e.position LIMIT $2
        ) o WHERE l.sink = $1 ORDER BY o.position LIMIT $2`,
      [sink.id, excess],
    );
    const upTo = Number(rows.at(-1)?.['position'] ?? 0);
    if (dead) await bury(session, shared, sink, rows);
    if (rows.length > 0) {
      await voidUpTo(session, shared, sink, upTo);
      const writer = totals.writer('other');
      await countSink(session, schema, writer, membership.id, sink.id, counted(rows.length));
    }
    return { upTo, events: rows.length };
  });
  totals.counted(sink.id, counted(removed.events));
  return removed;
}

/**
 * Removes the oldest events of all sinks that are above their limits and do not refuse deliveries. Calls `removed` after
 * each transaction.
 */
export async function relieveSinks(
  shared: Shared,
  removed: (sink: StoredSink, removed: Removed) => void,
): Promise<void> {
  for (const sink of shared.backlogs.active()) {
    while (shared.backlogs.excess(sink) > 0) {
      const slice = await relieveSink(shared, sink);
      // What other members have counted is read again before the next turn.
      if (slice.events === 0) break;
      removed(sink, slice);
    }
  }
}

/** Lets nothing be accepted or settled for the sink until the transaction ends: both would change what is counted. */
async function hold(session: Session, schema: string, sink: StoredSink): Promise<void> {
  await session.run(`LOCK TABLE ${schema}.event IN SHARE ROW EXCLUSIVE MODE`);
  await session.run(`SELECT FROM ${schema}.lane WHERE sink = $1 ORDER BY partition FOR UPDATE`, [
    sink.id,
  ]);
}

async function voidUpTo(
  session: Session,
  { schema }: Shared,
  sink: StoredSink,
  upTo: number,
): Promise<void> {
  await session.run(`UPDATE ${schema}.lane SET void = $2 WHERE sink = $1`, [sink.id, upTo]);
  await session.run(`DELETE FROM ${schema}.attempt WHERE sink = $1 AND position <= $2`, [
    sink.id,
    upTo,
  ]);
}

/** Makes dead letters of these events, with the attempts that were made. */
async function bury(
  session: Session,
  { clock, schema }: Shared,
  sink: StoredSink,
  rows: readonly Row[],
): Promise<void> {
  const positions = rows.map((row) => Number(row['position']));
  const tried = await session.run(
    `SELECT position, json_agg(json_strip_nulls(json_build_object('at', at, 'error', error, 'farSide', far_side, 'crashed', crashed))
        ORDER BY number)::text AS attempts
       FROM ${schema}.attempt WHERE sink = $1 AND position = ANY($2::bigint[]) GROUP BY position`,
    [sink.id, arrayText(positions)],
  );
  const attempts = new Map(
    tried.map((row) => [Number(row['position']), JSON.parse(String(row['attempts'])) as object[]]),
  );
  const at = clock.now();
  const last = { at, error: overLimit(sink.limit) };
  await session.run(
    `INSERT INTO ${schema}.dead_letter (sink, at, order_key, attempts, json)
     SELECT $1::integer, $2::bigint, e.order_key, d.attempts, e.json
       FROM unnest($3::bigint[], string_to_array($4::text, '${SEPARATOR}')) WITH ORDINALITY AS d (position, attempts, n)
       JOIN ${schema}.event e ON e.position = d.position ORDER BY d.n`,
    [
      sink.id,
      Math.round(at),
      arrayText(positions),
      joined(positions.map((each) => JSON.stringify([...(attempts.get(each) ?? []), last]))),
    ],
  );
}
