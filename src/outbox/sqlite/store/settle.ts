import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Attempt } from '../../feed.js';
import type { PositionSettlement } from '../thread/messages.js';
import { attemptIn, columnsOf } from './attempt-row.js';
import type { Counters, SinkRow } from './counters.js';
import { bindable, readable } from './text.js';

/**
 * Records the outcomes of events. A sink has a low-water mark, below which everything is settled. Events settled above
 * it are listed row by row until the mark has caught up. In the usual case, settled in order, nothing is listed.
 */
export class Settler {
  readonly #counters: Counters;
  readonly #list: StatementSyncInstance;
  readonly #unlist: StatementSyncInstance;
  readonly #anyListed: StatementSyncInstance;
  readonly #isListed: StatementSyncInstance;
  readonly #firstOpen: StatementSyncInstance;
  readonly #addAttempt: StatementSyncInstance;
  readonly #attempts: StatementSyncInstance;
  readonly #dropAttempts: StatementSyncInstance;
  readonly #dropAttemptsUpTo: StatementSyncInstance;
  readonly #event: StatementSyncInstance;
  readonly #bury: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, counters: Counters) {
    this.#counters = counters;
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
      'INSERT INTO attempt SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4, ?5, ?6 FROM attempt' +
        ' WHERE sink = ?1 AND position = ?2',
    );
    this.#attempts = database.prepare(
      'SELECT at, error, far_side, crashed FROM attempt WHERE sink = ? AND position = ? ORDER BY number',
    );
    this.#dropAttempts = database.prepare('DELETE FROM attempt WHERE sink = ? AND position = ?');
    this.#dropAttemptsUpTo = database.prepare(
      'DELETE FROM attempt WHERE sink = ? AND position <= ?',
    );
    this.#event = database.prepare('SELECT order_key, json, sum FROM event WHERE position = ?');
    this.#bury = database.prepare(
      'INSERT INTO dead_letter (sink, at, order_key, attempts, json, sum) VALUES (?, ?, ?, ?, ?, ?)',
    );
  }

  /** Settles these events of one sink, in any order. Skips those that are settled already. */
  settle(name: string, settlements: readonly PositionSettlement[]): void {
    const sink = this.#counters.get(name);
    if (sink === undefined) return;
    sink.changed = true;
    for (const each of settlements.toSorted((a, b) => a.position - b.position)) {
      const { position, outcome, attempt } = each;
      if (this.#isSettled(sink, position)) continue;
      if (outcome === 'retry') {
        if (attempt) this.#addAttempt.run(sink.id, position, ...columnsOf(attempt));
        continue;
      }
      if (outcome === 'dead') this.#die(sink, position, attempt);
      else if (outcome === 'filtered') sink.filtered += 1;
      else sink.delivered += 1;
      if (each.tried) this.#dropAttempts.run(sink.id, position);
      sink.pending -= 1;
      this.#mark(sink, position);
    }
    this.#advance(sink);
  }

  /** Removes the pending events up to a position undelivered. `events` is their number. */
  discard(sink: SinkRow, upTo: number, events: number): void {
    this.#dropAttemptsUpTo.run(sink.id, upTo);
    sink.pending -= events;
    sink.discarded += events;
    sink.position = Math.max(sink.position, upTo);
    sink.changed = true;
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
      sink.position = this.#counters.tail;
    } else if (sink.scattered) {
      const open = this.#firstOpen.get(sink.position, sink.id);
      sink.position = open === undefined ? this.#counters.tail : open.position - 1;
    }
    if (!sink.scattered) return;
    this.#unlist.run(sink.id, sink.position);
    sink.scattered = this.#anyListed.get(sink.id) !== undefined;
  }

  #die(sink: SinkRow, position: number, last: Attempt | undefined): void {
    const event = this.#event.get(position);
    if (event === undefined) return;
    const attempts: Attempt[] = this.#attempts.all(sink.id, position).map(attemptIn);
    if (last !== undefined) attempts.push(last);
    const at = last?.at ?? 0;
    this.#bury.run(
      sink.id,
      at,
      bindable(readable(event.order_key)),
      JSON.stringify(attempts),
      event.json,
      // The checksum from acceptance: if the event is garbled by now, its dead letter must not look sound.
      event.sum,
    );
    sink.dead += 1;
  }
}
