import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Attempt } from './outbox.js';
import type { Ledger, SinkRow } from './sqlite-ledger.js';
import type { PositionSettlement } from './sqlite-messages.js';
import { bindable, printable, readable } from './sqlite-text.js';

/**
 * Records what became of events. A sink has a low-water mark, below which everything is settled; what is settled above
 * it is listed row by row until the mark has caught up. In the usual case, settled in order, nothing is listed.
 */
export class Settler {
  readonly #ledger: Ledger;
  readonly #list: StatementSyncInstance;
  readonly #unlist: StatementSyncInstance;
  readonly #anyListed: StatementSyncInstance;
  readonly #isListed: StatementSyncInstance;
  readonly #firstOpen: StatementSyncInstance;
  readonly #addAttempt: StatementSyncInstance;
  readonly #attempts: StatementSyncInstance;
  readonly #dropAttempts: StatementSyncInstance;
  readonly #event: StatementSyncInstance;
  readonly #bury: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, ledger: Ledger) {
    this.#ledger = ledger;
    this.#list = database.prepare('INSERT INTO settled VALUES (?, ?)');
    this.#unlist = database.prepare('DELETE FROM settled WHERE sink = ? AND position <= ?');
    this.#anyListed = database.prepare('SELECT 1 FROM settled WHERE sink = ? LIMIT 1');
    this.#isListed = database.prepare('SELECT 1 FROM settled WHERE sink = ? AND position = ?');
    this.#firstOpen = database.prepare(
      'SELECT position FROM event WHERE position > ?1 AND (only_sink IS NULL OR only_sink = ?2)' +
        ' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?2 AND s.position = event.position)' +
        ' ORDER BY position LIMIT 1',
    );
    this.#addAttempt = database.prepare(
      'INSERT INTO attempt SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4 FROM attempt' +
        ' WHERE sink = ?1 AND position = ?2',
    );
    this.#attempts = database.prepare(
      'SELECT at, error FROM attempt WHERE sink = ? AND position = ? ORDER BY number',
    );
    this.#dropAttempts = database.prepare('DELETE FROM attempt WHERE sink = ? AND position = ?');
    this.#event = database.prepare('SELECT order_key, json, sum FROM event WHERE position = ?');
    this.#bury = database.prepare(
      'INSERT INTO dead_letter (sink, at, order_key, attempts, json, sum) VALUES (?, ?, ?, ?, ?, ?)',
    );
  }

  /** Settles these of one sink, whatever their order; those settled before are passed over. */
  settle(name: string, settlements: readonly PositionSettlement[]): void {
    const sink = this.#ledger.get(name);
    if (sink === undefined) return;
    sink.changed = true;
    for (const each of settlements.toSorted((a, b) => a.position - b.position)) {
      const { position, outcome, attempt } = each;
      if (this.#isSettled(sink, position)) continue;
      if (outcome === 'retry') {
        if (attempt) this.#addAttempt.run(sink.id, position, attempt.at, printable(attempt.error));
        continue;
      }
      if (outcome === 'dead') this.#die(sink, position, attempt);
      else sink.delivered += 1;
      if (each.tried) this.#dropAttempts.run(sink.id, position);
      sink.pending -= 1;
      this.#mark(sink, position);
    }
    this.#advance(sink);
  }

  #isSettled(sink: SinkRow, position: number): boolean {
    if (position <= sink.position) return true;
    return sink.scattered && this.#isListed.get(sink.id, position) !== undefined;
  }

  #mark(sink: SinkRow, position: number): void {
    if (position === sink.position + 1) {
      sink.position = position;
      return;
    }
    this.#list.run(sink.id, position);
    sink.scattered = true;
  }

  /** Moves the mark up to just before the first event that is still open. */
  #advance(sink: SinkRow): void {
    if (sink.pending === 0) {
      sink.position = this.#ledger.tail;
    } else if (sink.scattered) {
      const open = this.#firstOpen.get(sink.position, sink.id);
      sink.position = open === undefined ? this.#ledger.tail : open.position - 1;
    }
    if (!sink.scattered) return;
    this.#unlist.run(sink.id, sink.position);
    sink.scattered = this.#anyListed.get(sink.id) !== undefined;
  }

  #die(sink: SinkRow, position: number, last: Attempt | undefined): void {
    const event = this.#event.get(position);
    if (event === undefined) return;
    const attempts: Attempt[] = this.#attempts.all(sink.id, position);
    if (last !== undefined) attempts.push({ at: last.at, error: printable(last.error) });
    const at = last?.at ?? 0;
    this.#bury.run(
      sink.id,
      at,
      bindable(readable(event.order_key)),
      JSON.stringify(attempts),
      event.json,
      // As it was accepted: where the event is not what it was by now, its dead letter must not look sound.
      event.sum,
    );
    sink.dead += 1;
  }
}
