import type { Row, Session } from '../connection/database.js';
import { IS_PENDING } from '../lanes/pending.js';
import { FIRST_SEGMENT } from '../schema/migrations.js';
import type { Shared } from '../shared.js';
import { countSink } from '../totals.js';

/** The most positions of a segment. */
const LARGEST_SEGMENT = 50_000_000;

/** A segment should last for this part of the retention: few segments are many events kept too long. */
const PART = 1 / 40;

/** How long after its last position was given out a segment may still get events, in milliseconds: longer than any statement. */
const SETTLES_AFTER = 30_000;

interface Segment {
  readonly number: number;
  readonly first: number;
  readonly after: number;
  /** Milliseconds since its last position was given out; undefined if it was not yet. */
  readonly passedFor: number | undefined;
  readonly isSealed: boolean;
}

/**
 * Keeps the segments of the table of events: creates them ahead, and drops them whole when their retention is over and
 * every lane has passed them. There is no DELETE, so nothing has to be vacuumed.
 */
export async function keepSegments(shared: Shared): Promise<void> {
  const { database, options, schema } = shared;
  const [at] = await database.run(`SELECT last_value, is_called FROM ${schema}.position`);
  const tail = at?.['is_called'] === true ? Number(at['last_value']) : 0;
  const segments = await readAll(shared);
  await createAhead(shared, segments, tail);
  await database.run(
    `UPDATE ${schema}.segment SET passed_at = clock_timestamp() WHERE passed_at IS NULL AND after <= $1::bigint + 1`,
    [tail],
  );
  await closeOld(shared, segments, tail);
  for (const { isSealed, number, passedFor = 0 } of segments) {
    if (!isSealed && passedFor > SETTLES_AFTER) await seal(shared, number);
  }
  const size = options.retention.size === undefined ? 0 : await sizeOf(shared, segments);
  let excess = size - (options.retention.size ?? Number.POSITIVE_INFINITY);
  for (const { isSealed, number, passedFor = 0 } of segments) {
    if (!isSealed || (passedFor < options.retention.age && excess <= 0)) break;
    const own = excess > 0 ? await sizeOf(shared, [{ number }]) : 0;
    if (!(await drop(shared, number))) break;
    excess -= own;
  }
}

async function readAll({ database, schema }: Shared): Promise<readonly Segment[]> {
  const rows = await database.run(
    `SELECT number, first, after, last_xid IS NOT NULL AS sealed, extract(epoch FROM clock_timestamp() - passed_at) * 1000 AS passed
       FROM ${schema}.segment ORDER BY number`,
  );
  return rows.map((row) => ({
    number: Number(row['number']),
    first: Number(row['first']),
    after: Number(row['after']),
    passedFor: row['passed'] === null ? undefined : Number(row['passed']),
    isSealed: row['sealed'] === true,
  }));
}

/** Two whole segments lie ahead, so that none is missing if this is late. */
async function createAhead(
  shared: Shared,
  segments: readonly Segment[],
  tail: number,
): Promise<void> {
  const { database, schema } = shared;
  const last = segments.at(-1);
  if (last === undefined) return;
  let missing = 2 - segments.filter(({ first }) => first > tail).length;
  let { after, number } = last;
  const size = nextSize(segments, last.after - last.first, shared.options.retention.age);
  for (; missing > 0; missing -= 1) {
    const [from, to] = [after, after + size];
    number += 1;
    after = to;
    // Attaching needs a weaker lock than creating a partition: deliveries go on.
    const name = `${schema}.event_${number}`;
    await database.transact(async (session) => {
      await session.run(`CREATE TABLE ${name} (LIKE ${schema}.event INCLUDING DEFAULTS INCLUDING INDEXES,
        CHECK (position >= ${from} AND position < ${to}))`);
      await session.run(
        `ALTER TABLE ${schema}.event ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to})`,
      );
      await session.run(
        `INSERT INTO ${schema}.segment (number, first, after) VALUES ($1, $2, $3)`,
        [number, from, to],
      );
    });
  }
}

/** Halves or doubles the size, so that a segment lasts for a fair part of the retention. */
function nextSize(segments: readonly Segment[], last: number, age: number): number {
  const passed = segments.flatMap(({ passedFor }) => passedFor ?? []);
  const [before, latest] = passed.slice(-2);
  if (before === undefined || latest === undefined) return last;
  const lasted = before - latest;
  if (lasted < age * PART) return Math.min(LARGEST_SEGMENT, last * 2);
  return lasted > 4 * age * PART ? Math.max(FIRST_SEGMENT, Math.floor(last / 2)) : last;
}

/** Ends the segment in use if its first event is old: its events must not be kept until it is full. */
async function closeOld(
  { database, options, schema }: Shared,
  segments: readonly Segment[],
  tail: number,
): Promise<void> {
  const current = segments.find(({ after, first }) => first <= tail && tail < after);
  const hasNext = segments.some(({ first }) => first === current?.after);
  if (current === undefined || !hasNext || tail === current.after - 1) return;
  const [row] = await database.run(
    `SELECT (SELECT received_at FROM ${schema}.event_${current.number} ORDER BY position LIMIT 1)
       < extract(epoch FROM clock_timestamp()) * 1000 - $1::bigint AS old`,
    [Math.ceil(options.retention.age * PART * 4)],
  );
  if (row?.['old'] !== true) return;
  await database.transact(async (session) => {
    // No transaction takes a position meanwhile.
    await session.run(`LOCK TABLE ${schema}.event IN SHARE ROW EXCLUSIVE MODE`);
    const [now] = await session.run(`SELECT last_value FROM ${schema}.position`);
    if (Number(now?.['last_value']) >= current.after - 1) return;
    await session.run(`SELECT setval('${schema}.position', $1::bigint)`, [current.after - 1]);
  });
}

async function seal({ database, schema }: Shared, number: number): Promise<void> {
  await database.run(
    `UPDATE ${schema}.segment SET last_xid = coalesce((SELECT max(xid) FROM ${schema}.event_${number}), '0') WHERE number = $1`,
    [number],
  );
}

async function sizeOf(
  { database, schema }: Shared,
  segments: readonly { readonly number: number }[],
): Promise<number> {
  const names = segments.map(({ number }) => `${schema}.event_${number}`);
  const [row] = await database.run(
    `SELECT sum(pg_total_relation_size(to_regclass(name))) AS bytes FROM unnest($1::text[]) AS name`,
    [names],
  );
  return Number(row?.['bytes'] ?? 0);
}

/** Drops a segment that every configured sink has passed. Resolves to whether it was dropped. */
async function drop(shared: Shared, number: number): Promise<boolean> {
  const { backlogs, database, membership, schema, totals } = shared;
  const pending = (sinks: string, what: string): string =>
    `SELECT ${what} FROM ${schema}.sink s JOIN ${schema}.lane l ON l.sink = s.id
       JOIN ${schema}.event_${number} e ON ${IS_PENDING} WHERE ${sinks}`;
  const [open] = await database.run(`${pending('s.active', '1 AS open')} LIMIT 1`);
  if (open !== undefined) return false;
  const isAnyInactive = backlogs.all().some(({ active }) => !active);
  const missed = await database.transact(async (session: Session): Promise<readonly Row[]> => {
    // A sink that is not configured holds nothing back. If it is configured again, it continues with what is left then.
    const rows = isAnyInactive
      ? await session.run(
          `${pending('NOT s.active', 's.id AS sink, count(*) AS events')} GROUP BY s.id`,
        )
      : [];
    for (const row of rows) {
      const [sink, events] = [Number(row['sink']), Number(row['events'])];
      const writer = totals.writer('other');
      await countSink(session, schema, writer, membership.id, sink, { missed: events });
    }
    await session.run(`DROP TABLE ${schema}.event_${number}`);
    await session.run(`DELETE FROM ${schema}.segment WHERE number = $1`, [number]);
    return rows;
  });
  for (const row of missed) {
    totals.counted(Number(row['sink']), { missed: Number(row['events']) });
  }
  return true;
}
