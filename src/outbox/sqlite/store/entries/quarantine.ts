import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { type Bounds, sharesOf } from '../../../bounds.js';
import type { EntryFilter, Quarantined } from '../../../entries.js';
import type { NewQuarantined } from '../../../intake.js';
import { unauthenticatedWeight, weightOf } from '../../../unauthenticated.js';
import { sumOf } from '../../health/sum.js';
import type { Counters } from '../counters.js';
import type { Notices } from '../notices.js';
import { takeEach } from './take-each.js';

// The row as the queries below return it.
interface Row {
  readonly id: number;
  readonly source: string;
  readonly delivery_id: string;
  readonly received_at: number;
  readonly reason: string;
  readonly errors: string;
  readonly delivery: string;
  readonly raw: string;
}

const PAGE = 'ORDER BY id LIMIT ?';

/** The maximum number of entries that one transaction drops at a limit. */
const SLICE = 1_000;

/** The quarantine. Changes run inside a transaction that the caller owns. */
export class Quarantine {
  readonly #counters: Counters;
  readonly #notices: Notices;
  readonly #bounds: Bounds;
  readonly #insert: StatementSyncInstance;
  readonly #list: StatementSyncInstance;
  readonly #listOf: StatementSyncInstance;
  readonly #get: StatementSyncInstance;
  readonly #delete: StatementSyncInstance;
  readonly #oldestOf: StatementSyncInstance;
  readonly #old: StatementSyncInstance;

  constructor(
    database: DatabaseSyncInstance,
    counters: Counters,
    notices: Notices,
    bounds: Bounds,
  ) {
    this.#counters = counters;
    this.#notices = notices;
    this.#bounds = bounds;
    this.#insert = database.prepare(
      'INSERT INTO quarantine (source, delivery_id, received_at, reason, errors, delivery, raw, sum)' +
        ' VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#list = database.prepare(`SELECT * FROM quarantine WHERE id > ? ${PAGE}`);
    this.#listOf = database.prepare(`SELECT * FROM quarantine WHERE source = ? AND id > ? ${PAGE}`);
    this.#get = database.prepare('SELECT * FROM quarantine WHERE id = ?');
    // octet_length() reads the size from the head of the row: an entry of megabytes is not read to be deleted.
    this.#delete = database.prepare(
      'DELETE FROM quarantine WHERE id = ?' +
        ' RETURNING source, reason, octet_length(raw) + octet_length(delivery) AS bytes',
    );
    this.#oldestOf = database.prepare(
      'SELECT id FROM quarantine WHERE source = ? ORDER BY id LIMIT ?',
    );
    this.#old = database.prepare(
      `SELECT id FROM quarantine WHERE received_at <= ? ORDER BY received_at LIMIT ${SLICE}`,
    );
  }

  add(entry: NewQuarantined): void {
    const { source, deliveryId, receivedAt, reason, errors, delivery, raw } = entry;
    const sum = sumOf(source, delivery, raw);
    const problems = JSON.stringify(errors);
    this.#insert.run(source, deliveryId, receivedAt, reason, problems, delivery, raw, sum);
    this.#counters.quarantined += 1;
    this.#counters.countQuarantined(source, 1, unauthenticatedWeight(entry));
  }

  list({ name, after, limit }: EntryFilter): Quarantined[] {
    const from = Number(after ?? 0);
    const rows: Row[] =
      name === undefined ? this.#list.all(from, limit) : this.#listOf.all(name, from, limit);
    return rows.map(quarantined);
  }

  get(id: number): Quarantined | null {
    const row: Row | undefined = this.#get.get(id);
    return row === undefined ? null : quarantined(row);
  }

  purge(ids: readonly number[]): number {
    return ids.filter((id) => this.#take(id) !== undefined).length;
  }

  /** Returns whether an entry exists and is what was received. */
  stateOf(id: number): 'sound' | 'missing' | 'garbled' {
    const row = this.#get.get(id);
    if (row === undefined) return 'missing';
    const isSound = row.sum === null || row.sum === sumOf(row.source, row.delivery, row.raw);
    return isSound ? 'sound' : 'garbled';
  }

  /** Drops entries above the limit by count. Returns whether more are above it. */
  dropExcess(): boolean {
    const excess = this.#counters.inQuarantine - this.#bounds.max;
    if (excess <= 0) return false;
    for (const [source, count] of sharesOf(
      this.#counters.quarantinedBySource(),
      Math.min(excess, SLICE),
    )) {
      this.#drop(this.#oldestOf.all(source, count), 'max');
    }
    return excess > SLICE;
  }

  /** Drops entries above the limit by age. Returns whether there may be more. */
  dropOld(now: number): boolean {
    if (this.#counters.inQuarantine === 0) return false;
    const old = this.#old.all(now - this.#bounds.keep);
    this.#drop(old, 'keep');
    return old.length === SLICE;
  }

  #drop(rows: readonly { readonly id: number }[], bound: 'max' | 'keep'): void {
    for (const [name, events] of takeEach(rows, (id) => this.#take(id))) {
      this.#notices.add({ kind: 'lost', loss: { what: 'quarantine', name, bound }, events });
    }
  }

  /** Returns the name of the source whose entry this was. */
  #take(id: number): string | undefined {
    const row = this.#delete.get(id) as
      | { readonly source: string; readonly reason: string; readonly bytes: number }
      | undefined;
    if (row === undefined) return undefined;
    this.#counters.countQuarantined(row.source, -1, weightOf(row.reason, row.bytes));
    return row.source;
  }
}

function quarantined(row: Row): Quarantined {
  return {
    id: String(row.id),
    source: row.source,
    deliveryId: row.delivery_id,
    receivedAt: row.received_at,
    reason: row.reason,
    errors: JSON.parse(row.errors),
    delivery: row.delivery,
    raw: row.raw,
  };
}
