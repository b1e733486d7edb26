import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { BacklogLevels } from '../../backlog-levels.js';
import type { Attempt } from '../../feed.js';
import { excessOf, overLimit } from '../../limits.js';
import type { Counters, SinkRow } from './counters.js';
import type { Notices } from './notices.js';
import type { Settler } from './settle.js';

/**
 * The number of events that one transaction removes from a backlog beyond what it adds. If a limit is lowered by
 * millions of events, the deliveries of one transaction must not wait for minutes.
 */
const SLICE = 500;

const OPEN =
  'FROM event WHERE position > ?1 AND (only_sink IS NULL OR only_sink = ?2)' +
  ' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?2 AND s.position = event.position)' +
  ' ORDER BY position LIMIT ?3';

/** Keeps the backlogs of sinks within their limits, inside a transaction that the caller owns. */
export class Backlogs {
  readonly #counters: Counters;
  readonly #settler: Settler;
  readonly #notices: Notices;
  #levels = new BacklogLevels();
  readonly #oldest: StatementSyncInstance;
  readonly #each: StatementSyncInstance;
  /** The pending events of each sink at the start of the transaction. */
  #before = new Map<string, number>();

  constructor(
    database: DatabaseSyncInstance,
    counters: Counters,
    settler: Settler,
    notices: Notices,
  ) {
    this.#counters = counters;
    this.#settler = settler;
    this.#notices = notices;
    this.#oldest = database.prepare(
      `SELECT max(position) AS upTo, count(*) AS events FROM (SELECT position ${OPEN})`,
    );
    this.#each = database.prepare(`SELECT position ${OPEN}`);
  }

  begin(): void {
    for (const { name, pending } of this.#counters.all()) this.#before.set(name, pending);
  }

  /** Resets after a rollback: the levels that the transaction reported are reported again. */
  rolledBack(): void {
    this.#levels = new BacklogLevels();
  }

  /** Removes events from the backlogs above their limit, oldest first. Returns whether some are still above it. */
  relieve(now: number): boolean {
    let more = false;
    for (const sink of this.#counters.all()) {
      const { limit, name } = sink;
      if (limit === undefined) continue;
      const excess = excessOf(sink.pending, limit);
      if (excess > 0) {
        const added = Math.max(0, sink.pending - (this.#before.get(name) ?? 0));
        this.#take(sink, Math.min(excess, added + SLICE), now);
        more ||= excessOf(sink.pending, limit) > 0;
      }
      const level = this.#levels.risenTo(name, sink.pending, limit);
      if (level === undefined) continue;
      this.#notices.add({ kind: 'level', sink: name, pending: sink.pending, level, limit });
    }
    return more;
  }

  /**
   * Discards all pending events of a sink, configured or not. Returns the number of events, or undefined if the sink is
   * unknown.
   */
  purge(name: string): number | undefined {
    const sink = this.#counters.get(name);
    if (sink === undefined) return undefined;
    const { pending } = sink;
    this.#settler.discard(sink, this.#counters.tail, pending);
    this.#notices.add({ kind: 'void', sink: name, upTo: this.#counters.tail });
    return pending;
  }

  #take(sink: SinkRow, count: number, now: number): void {
    const { limit, name } = sink;
    const found = this.#oldest.get(sink.position, sink.id, count);
    const { upTo, events } = found as { upTo: number | null; events: number };
    if (upTo === null) return;
    if (limit?.full === 'dead-letter') {
      this.#bury(sink, count, { at: now, error: overLimit(limit) });
    } else this.#settler.discard(sink, upTo, events);
    const what = limit?.full === 'dead-letter' ? 'dead-lettered' : 'discarded';
    this.#notices.add({ kind: 'lost', loss: { what, name }, events });
    this.#notices.add({ kind: 'void', sink: name, upTo });
  }

  #bury(sink: SinkRow, count: number, attempt: Attempt): void {
    const rows = this.#each.all(sink.position, sink.id, count) as readonly { position: number }[];
    const settlements = rows.map(({ position }) => ({
      position,
      outcome: 'dead' as const,
      attempt,
      tried: true,
    }));
    this.#settler.settle(sink.name, settlements);
  }
}
