import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Retention } from '../../retention.js';
import type { Counters, SinkRow } from './counters.js';

/** The number of events per slice: they take 2 to 3 ms, for which the deliveries of the same transaction wait. */
const SLICE = 250;

const NOTHING = { position: 0, looked: 0 } as const;

/** How far ahead of the clock an arrival may be, in milliseconds. Beyond it, the clock must have been wrong then. */
const FUTURE = 24 * 60 * 60 * 1_000;

/** The approximate bytes of an event beside its text. */
const OVERHEAD = 100;

/** Deletes, in slices, events that every configured sink has settled and whose retention is over. */
export class Sweeper {
  readonly #counters: Counters;
  readonly #last: StatementSyncInstance;
  readonly #inUse: StatementSyncInstance;
  readonly #oldest: StatementSyncInstance;
  readonly #delete: StatementSyncInstance;
  readonly #lost: StatementSyncInstance;
  readonly #unlist: StatementSyncInstance;
  readonly #dropAttempts: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, counters: Counters) {
    this.#counters = counters;
    // The last expired event decides: any event before it arrived earlier, even if the clock says otherwise.
    this.#last = database.prepare(
      'SELECT max(position) AS position, count(*) AS looked FROM (SELECT position, received_at FROM event' +
        ` WHERE position <= ? ORDER BY position LIMIT ${SLICE}) WHERE received_at <= ? OR received_at > ?`,
    );
    // All of these values are in the head of the file, which is in memory: no row is counted.
    this.#inUse = database.prepare(
      'SELECT (page_count - freelist_count) * page_size AS bytes' +
        ' FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
    );
    this.#oldest = database.prepare(
      `SELECT position, octet_length(json) + ${OVERHEAD} AS bytes FROM event WHERE position <= ?` +
        ` ORDER BY position LIMIT ${SLICE}`,
    );
    this.#delete = database.prepare('DELETE FROM event WHERE position <= ?');
    this.#lost = database.prepare(
      'SELECT count(*) AS events FROM event WHERE position > ?1 AND position <= ?2' +
        ' AND (only_sink IS NULL OR only_sink = ?3)' +
        ' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?3 AND s.position = event.position)',
    );
    this.#unlist = database.prepare('DELETE FROM settled WHERE sink = ? AND position <= ?');
    this.#dropAttempts = database.prepare('DELETE FROM attempt WHERE sink = ? AND position <= ?');
  }

  /** Deletes one slice. Returns whether another one is worth a try. */
  sweep(now: number, { age, size }: Retention): boolean {
    const delivered = this.#counters.delivered();
    const old = this.#last.get(delivered, now - age, now + FUTURE);
    const excess = size === undefined ? NOTHING : this.#beyond(size, delivered);
    const position = Math.max(old.position ?? 0, excess.position);
    if (position === 0) return false;
    for (const sink of this.#counters.all()) {
      if (!sink.active) this.#forget(sink, position);
    }
    this.#delete.run(position);
    return old.looked === SLICE || excess.looked === SLICE;
  }

  /** Returns the position up to which to delete, within one slice, so that the store shrinks to `size`. */
  #beyond(size: number, delivered: number): { position: number; looked: number } {
    let excess: number = this.#inUse.get().bytes - size;
    let [position, looked] = [0, 0];
    if (excess <= 0) return NOTHING;
    for (const row of this.#oldest.iterate(delivered)) {
      position = row.position;
      looked += 1;
      excess -= row.bytes;
      if (excess <= 0) break;
    }
    return { position, looked };
  }

  /** An unconfigured sink holds nothing back. If it is configured again, it continues with what is left then. */
  #forget(sink: SinkRow, upTo: number): void {
    if (sink.position >= upTo) return;
    const lost: number = this.#lost.get(sink.position, upTo, sink.id).events;
    sink.pending -= lost;
    sink.missed += lost;
    sink.position = upTo;
    sink.changed = true;
    this.#unlist.run(sink.id, upTo);
    this.#dropAttempts.run(sink.id, upTo);
  }
}
