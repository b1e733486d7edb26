import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { type Beginning, lineAtStart, roomToBegin } from '../../start.js';
import type { SinkSettings, SinkStart } from '../../store.js';
import type { Counters, KnownSink, SinkRow } from './counters.js';

const OPEN =
  'event WHERE position > ?1 AND (only_sink IS NULL OR only_sink = ?2)' +
  ' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?2 AND s.position = event.position)';

/** Begins sinks that are new or return, inside a transaction that the caller owns. */
export class SinkBeginnings {
  readonly #database: DatabaseSyncInstance;
  readonly #counters: Counters;
  readonly #oldest: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, counters: Counters) {
    this.#database = database;
    this.#counters = counters;
    this.#oldest = database.prepare(`SELECT received_at FROM ${OPEN} ORDER BY position LIMIT 1`);
  }

  /**
   * Applies `start` where it applies. Returns lines for the operator: about all sinks at the first configuration of the
   * store, then about those that have changed.
   */
  begin(
    known: readonly KnownSink[],
    settings: readonly SinkSettings[],
    isFirst: boolean,
  ): readonly string[] {
    const starts = new Map(settings.map(({ name, start }) => [name, start]));
    const lines = known.map(({ sink, wasActive }) => {
      const start = starts.get(sink.name);
      const begins = sink.active && wasActive !== true;
      const beginning = begins && start !== undefined ? this.#begin(sink, start) : undefined;
      const said = sink.start;
      if (sink.active) sink.start = start?.option ?? '';
      // Nobody asks what the sinks of an empty store begin with.
      if (wasActive === undefined && this.#counters.tail === 0) return undefined;
      const isSame = sink.active === (wasActive ?? false) && sink.start === said;
      if (isSame && !isFirst) return undefined;
      const { missed, name, paused, pending } = sink;
      return lineAtStart({
        state: stateOf(sink, wasActive),
        ...{ name, paused, pending, missed, start, beginning },
        oldestReceivedAt: begins ? this.oldest(sink) : undefined,
        known: said,
      });
    });
    return lines.filter((line) => line !== undefined);
  }

  /** Returns when the oldest pending event of a sink arrived. */
  oldest(sink: SinkRow): number | undefined {
    return sink.pending === 0 ? undefined : this.#oldest.get(sink.position, sink.id)?.received_at;
  }

  #begin(sink: SinkRow, { from }: SinkStart): Beginning {
    return from === 'next' ? this.#next(sink) : this.#earlier(sink, from);
  }

  #next(sink: SinkRow): Beginning {
    const { pending } = sink;
    sink.position = this.#counters.tail;
    sink.pending = 0;
    sink.discarded += pending;
    this.#clear(sink);
    return { events: 0, left: 0, discarded: pending };
  }

  /**
   * Makes retained events pending: those that arrived from a time on, of them the newest for which there is room. What
   * was requeued for this sink alone stays pending.
   */
  #earlier(sink: SinkRow, from: 'retained' | number): Beginning {
    const since = from === 'retained' ? Number.MIN_SAFE_INTEGER : from;
    const own: number[] = this.#database
      .prepare(`SELECT position FROM ${OPEN} AND only_sink IS NOT NULL ORDER BY position`)
      .all(sink.position, sink.id)
      .map(({ position }) => position);
    const room = sink.limit === undefined ? 0 : roomToBegin(sink.limit, own.length);
    const chosen = this.#database
      .prepare(
        'SELECT min(position) AS first, count(*) AS events FROM (SELECT position FROM event' +
          ' WHERE only_sink IS NULL AND received_at >= ? ORDER BY position DESC LIMIT ?)',
      )
      .get(since, room);
    const { events: all } = this.#database
      .prepare('SELECT count(*) AS events FROM event WHERE only_sink IS NULL AND received_at >= ?')
      .get(since);
    const first: number = chosen.first ?? this.#counters.tail + 1;
    this.#clear(sink);
    sink.position = Math.min(first, own[0] ?? first) - 1;
    sink.pending = chosen.events + own.length;
    // What arrived before that time though it was written after it, and what was requeued and is settled.
    const { changes } = this.#database
      .prepare(
        'INSERT INTO settled SELECT ?1, position FROM event WHERE position > ?2 AND' +
          ' CASE WHEN only_sink IS NULL THEN received_at < ?3 OR position < ?4' +
          ' ELSE only_sink = ?1 AND position NOT IN (SELECT value FROM json_each(?5)) END',
      )
      .run(sink.id, sink.position, since, first, JSON.stringify(own));
    sink.scattered = Number(changes) > 0;
    const oldestReceivedAt = this.oldest(sink);
    return { events: sink.pending, left: all - chosen.events, discarded: 0, oldestReceivedAt };
  }

  #clear(sink: SinkRow): void {
    this.#database.prepare('DELETE FROM settled WHERE sink = ?').run(sink.id);
    this.#database.prepare('DELETE FROM attempt WHERE sink = ?').run(sink.id);
    sink.scattered = false;
  }
}

function stateOf(sink: SinkRow, wasActive: boolean | undefined) {
  if (!sink.active) return 'removed';
  if (wasActive === undefined) return 'new';
  return wasActive ? 'running' : 'returning';
}
