import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { type Arrival, anonymousKey, type Entry, type EntryState } from '../entry.js';
import type { Side } from '../settings.js';

/** The columns by which entries are looked up. */
export type KeyColumn =
  | 'message'
  | 'correlation'
  | 'full'
  | 'loose'
  | 'content'
  | 'base'
  | 'anonymous';

export interface OpenRow extends Arrival {
  readonly state: EntryState;
}

const KEYS: readonly KeyColumn[] = [
  ...(['message', 'correlation', 'full', 'loose', 'content', 'base', 'anonymous'] as const),
];

const STATES: readonly EntryState[] = ['unpaired', 'missing', 'excused'];

/** The most entries of one key that are candidates. A key with more is not told apart by nearness in time anyway. */
const MOST_CANDIDATES = 200;

/** The entries without a partner, on disk. */
export class OpenEntries {
  readonly #insert: StatementSyncInstance;
  readonly #remove: StatementSyncInstance;
  readonly #state: StatementSyncInstance;
  readonly #rekey: StatementSyncInstance;
  readonly #by: ReadonlyMap<KeyColumn, StatementSyncInstance>;
  readonly #due: StatementSyncInstance;
  readonly #expired: StatementSyncInstance;
  readonly #count: StatementSyncInstance;
  readonly #between: StatementSyncInstance;
  /** An empty table needs no lookup. */
  #size: number;

  constructor(database: DatabaseSyncInstance) {
    this.#insert = database.prepare(
      'INSERT INTO open (id, side, at, state, message, correlation, base, data, content, full, loose, anonymous, call, json)' +
        ' VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#remove = database.prepare('DELETE FROM open WHERE id = ?');
    this.#state = database.prepare('UPDATE open SET state = ? WHERE id = ?');
    this.#rekey = database.prepare('UPDATE open SET full = ?, loose = ? WHERE id = ?');
    this.#by = new Map(
      KEYS.map((key) => [
        key,
        database.prepare(
          `SELECT id, side, at, state, json FROM open WHERE ${key} = ? AND call BETWEEN ? AND ? ORDER BY id LIMIT ${MOST_CANDIDATES}`,
        ),
      ]),
    );
    this.#due = database.prepare(
      'SELECT id, side, at, state, json FROM open WHERE state = 0 AND side = ? AND at < ? ORDER BY at LIMIT ?',
    );
    this.#expired = database.prepare(
      'SELECT id FROM open WHERE state = ? AND side = ? AND at < ? LIMIT ?',
    );
    this.#count = database.prepare('SELECT count(*) AS n FROM open WHERE state = 0 AND at >= ?');
    this.#between = database.prepare(
      'SELECT count(*) AS n FROM open WHERE state IN (0, 1, 2) AND side = ? AND at BETWEEN ? AND ?',
    );
    this.#size = Number(database.prepare('SELECT count(*) AS n FROM open').get()?.n);
  }

  get size(): number {
    return this.#size;
  }

  add(entry: Entry): void {
    const { fingerprint: print } = entry;
    this.#insert.run(
      entry.id,
      entry.side === 'left' ? 0 : 1,
      entry.at,
      STATES.indexOf(entry.state),
      print.messageId ?? null,
      print.correlation ?? null,
      print.base,
      print.data,
      print.content,
      entry.full,
      entry.loose,
      anonymousKey(print.anonymousId),
      print.call,
      entry.json,
    );
    this.#size += 1;
  }

  remove(id: number): void {
    this.#remove.run(id);
    this.#size -= 1;
  }

  setState(id: number, state: EntryState): void {
    this.#state.run(STATES.indexOf(state), id);
  }

  rekey(id: number, full: number, loose: number): void {
    this.#rekey.run(full, loose, id);
  }

  /** Returns the entries of a key whose call time is in a span, the oldest first. */
  byKey(column: KeyColumn, key: number, from: number, to: number): OpenRow[] {
    if (this.#size === 0) return [];
    return this.#by.get(column)?.all(key, from, to).map(rowOf) ?? [];
  }

  /** Returns unpaired entries of a side that arrived before a time, the oldest first. */
  unpaired(side: Side, before: number, most: number): OpenRow[] {
    return this.#due.all(side === 'left' ? 0 : 1, before, most).map(rowOf);
  }

  /** Returns the ids of entries in any state that arrived before a time. */
  expired(before: number, most: number): number[] {
    return STATES.flatMap((_, state) =>
      [0, 1].flatMap((side) =>
        this.#expired.all(state, side, before, most).map(({ id }) => Number(id)),
      ),
    );
  }

  /** Returns the number of entries of a side that arrived in a time, whatever their state. */
  arrivedBetween(side: Side, from: number, to: number): number {
    return Number(this.#between.get(side === 'left' ? 0 : 1, from, to)?.n);
  }

  /** Returns the number of unpaired entries that arrived since a time. */
  pendingSince(since: number): number {
    return Number(this.#count.get(since)?.n);
  }
}

/** A row as the database returns it. */
interface Row {
  readonly id: number;
  readonly side: number;
  readonly at: number;
  readonly state: number;
  readonly json: string;
}

function rowOf({ at, id, json, side, state }: Row): OpenRow {
  return {
    id,
    at,
    json,
    side: side === 0 ? 'left' : 'right',
    state: STATES[state] ?? 'unpaired',
  };
}
