import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Ledger, SinkRow } from './sqlite-ledger.js';

/** Events a slice: 2 to 3 ms, for which the deliveries of the same transaction wait. */
const SLICE = 250;

/** How far ahead of the clock an arrival can be before it only means that the clock was wrong then, milliseconds. */
const FUTURE = 24 * 60 * 60 * 1_000;

/** Deletes events that every configured sink has settled and whose retention is over, in slices. */
export class Sweeper {
  readonly #ledger: Ledger;
  readonly #last: StatementSyncInstance;
  readonly #delete: StatementSyncInstance;
  readonly #lost: StatementSyncInstance;
  readonly #unlist: StatementSyncInstance;
  readonly #dropAttempts: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, ledger: Ledger) {
    this.#ledger = ledger;
    // The last that is over decides: whatever arrived before it is older, even where the clock says otherwise.
    this.#last = database.prepare(
      'SELECT max(position) AS position, count(*) AS looked FROM (SELECT position, received_at FROM event' +
        ` WHERE position <= ? ORDER BY position LIMIT ${SLICE}) WHERE received_at <= ? OR received_at > ?`,
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

  /** Deletes one slice; `retention` in milliseconds. Whether another one is worth a try. */
  sweep(now: number, retention: number): boolean {
    const { position, looked } = this.#last.get(
      this.#ledger.delivered(),
      now - retention,
      now + FUTURE,
    );
    if (position === null) return false;
    for (const sink of this.#ledger.all()) {
      if (!sink.active) this.#forget(sink, position);
    }
    this.#delete.run(position);
    return looked === SLICE;
  }

  /** A sink that is not configured holds nothing back; should it come back, it goes on with what there is then. */
  #forget(sink: SinkRow, upTo: number): void {
    if (sink.position >= upTo) return;
    sink.pending -= this.#lost.get(sink.position, upTo, sink.id).events;
    sink.position = upTo;
    sink.changed = true;
    this.#unlist.run(sink.id, upTo);
    this.#dropAttempts.run(sink.id, upTo);
  }
}
