import type { AcceptedEvent, RequeuedFor } from '../../intake.js';
import { roomFor } from '../../limits.js';
import { partitionOf } from '../append/statement.js';
import { arrayText, joined, SEPARATOR, storedText } from '../append/text.js';
import type { Session } from '../connection/database.js';
import type { Shared } from '../shared.js';
import type { StoredSink } from '../sinks/registration.js';
import { countSink } from '../totals.js';

/** Makes events pending again for one sink. */
export class Requeuer {
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** Each sink gets the first events, as many as it has room for, in one transaction. */
  async requeue(
    events: readonly AcceptedEvent[],
    sinks: readonly string[],
  ): Promise<readonly RequeuedFor[]> {
    const { backlogs, database, totals } = this.#shared;
    await totals.ensure();
    const known = sinks.flatMap((name) => {
      const sink = backlogs.get(name);
      return sink?.active ? [sink] : [];
    });
    const requeues = await database.transact(async (session) => {
      await this.begin(session);
      const all: (readonly [StoredSink, readonly number[]])[] = [];
      for (const sink of known) {
        const room = roomFor(events.length, backlogs.pending(sink), sink.limit);
        all.push([sink, await this.write(session, sink, events.slice(0, room))]);
      }
      return all;
    });
    return requeues.map(([sink, positions]) => {
      written(this.#shared, sink, positions);
      return { sink: sink.name, ids: positions.map(String) };
    });
  }

  /**
   * Begins a transaction that writes events but not at once. Its number has to be later than that of a transaction that
   * registers a sink: see `register`.
   */
  async begin(session: Session): Promise<void> {
    await session.run(`LOCK TABLE ${this.#shared.schema}.event IN ROW EXCLUSIVE MODE`);
  }

  /** Writes events for one sink inside a transaction of the caller. Resolves to their positions. */
  async write(
    session: Session,
    sink: StoredSink,
    events: readonly AcceptedEvent[],
  ): Promise<readonly number[]> {
    if (events.length === 0) return [];
    const { membership, partitions, schema, totals } = this.#shared;
    const rows = await session.run(
      `INSERT INTO ${schema}.event (position, partition, only_sink, received_at, order_key, json)
       SELECT nextval('${schema}.position'), e.* FROM (
         SELECT partition, $1::integer, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, coalesce(order_key, ''), json
           FROM unnest($2::smallint[], string_to_array($3::text, '${SEPARATOR}'), string_to_array($4::text, '${SEPARATOR}'))
           WITH ORDINALITY AS e (partition, order_key, json, n) ORDER BY n) e
       RETURNING position`,
      [
        sink.id,
        arrayText(events.map(({ orderKey }) => partitionOf(orderKey, partitions))),
        joined(events.map(({ orderKey }) => storedText(orderKey))),
        joined(events.map(({ json }) => json)),
      ],
    );
    await countSink(session, schema, totals.writer('other'), membership.id, sink.id, {
      requeued: events.length,
    });
    return rows.map((row) => Number(row['position'])).sort((a, b) => a - b);
  }
}

/** Counts requeued events once they are committed. */
export function written(
  { backlogs, onWritten, totals }: Shared,
  sink: StoredSink,
  positions: readonly number[],
): void {
  if (positions.length === 0) return;
  totals.counted(sink.id, { requeued: positions.length });
  backlogs.report();
  onWritten(positions.at(-1) ?? 0);
}
