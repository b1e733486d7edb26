import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Arrival } from '../entry.js';

/** The journal: events as they arrived, until the pairing has taken them. */
export class Arrivals {
  readonly #database: DatabaseSyncInstance;
  readonly #insert: StatementSyncInstance;
  readonly #next: StatementSyncInstance;
  readonly #remove: StatementSyncInstance;
  readonly #pending: StatementSyncInstance;
  /** Ids are also those of open entries, which outlive the journal. */
  #last: number;

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO arrival (id, side, at, json) VALUES (?, ?, ?, ?)');
    this.#next = database.prepare(
      'SELECT id, side, at, json FROM arrival WHERE at <= ? ORDER BY id LIMIT ?',
    );
    this.#remove = database.prepare('DELETE FROM arrival WHERE id = ?');
    this.#pending = database.prepare('SELECT count(*) AS n FROM arrival WHERE at >= ?');
    const last = database.prepare(
      'SELECT max((SELECT ifnull(max(id), 0) FROM arrival), (SELECT ifnull(max(id), 0) FROM open)) AS id',
    );
    this.#last = Number(last.get()?.id);
  }

  /** Appends events in one transaction. */
  append(events: readonly Omit<Arrival, 'id'>[]): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const { at, json, side } of events) {
        this.#last += 1;
        this.#insert.run(this.#last, side === 'left' ? 0 : 1, at, json);
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Returns the first events that arrived until a time, in their order. */
  next(until: number, most: number): Arrival[] {
    return this.#next
      .all(until, most)
      .map(({ at, id, json, side }) => ({ at, id, json, side: side === 0 ? 'left' : 'right' }));
  }

  remove(id: number): void {
    this.#remove.run(id);
  }

  pendingSince(since: number): number {
    return Number(this.#pending.get(since)?.n);
  }
}
