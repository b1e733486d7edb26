import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { DeadLetter, NewEvent, Quarantined, ShelfFilter } from './outbox.js';
import type { Appender } from './sqlite-append.js';
import type { Ledger } from './sqlite-ledger.js';
import type { AppendResult } from './sqlite-messages.js';
import { readable } from './sqlite-text.js';
import { unauthenticatedWeight } from './unauthenticated.js';

// The rows as the queries below give them.
interface DeadRow {
  readonly id: number;
  readonly sink: string;
  readonly at: number;
  readonly attempts: string;
  readonly json: string;
}

interface QuarantineRow {
  readonly id: number;
  readonly source: string;
  readonly delivery_id: string;
  readonly received_at: number;
  readonly reason: string;
  readonly errors: string;
  readonly delivery: string;
  readonly raw: string;
}

const DEAD =
  'SELECT d.id, s.name AS sink, d.at, d.attempts, d.json FROM dead_letter d JOIN sink s ON s.id = d.sink';
const PAGE = 'ORDER BY 1 LIMIT ?';

/** Dead letters and quarantine; the changes run inside a transaction that the caller owns. */
export class Shelves {
  readonly #ledger: Ledger;
  readonly #appender: Appender;
  readonly #listDead: StatementSyncInstance;
  readonly #listDeadOf: StatementSyncInstance;
  readonly #getDead: StatementSyncInstance;
  readonly #deadForReplay: StatementSyncInstance;
  readonly #deleteDead: StatementSyncInstance;
  readonly #listQuarantine: StatementSyncInstance;
  readonly #listQuarantineOf: StatementSyncInstance;
  readonly #getQuarantined: StatementSyncInstance;
  readonly #deleteQuarantined: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, ledger: Ledger, appender: Appender) {
    this.#ledger = ledger;
    this.#appender = appender;
    this.#listDead = database.prepare(`${DEAD} WHERE d.id > ? ${PAGE}`);
    this.#listDeadOf = database.prepare(
      `${DEAD} WHERE d.sink = (SELECT id FROM sink WHERE name = ?) AND d.id > ? ${PAGE}`,
    );
    this.#getDead = database.prepare(`${DEAD} WHERE d.id = ?`);
    this.#deadForReplay = database.prepare(
      'SELECT sink, order_key, json FROM dead_letter WHERE id = ?',
    );
    this.#deleteDead = database.prepare('DELETE FROM dead_letter WHERE id = ? RETURNING sink');
    this.#listQuarantine = database.prepare(`SELECT * FROM quarantine WHERE id > ? ${PAGE}`);
    this.#listQuarantineOf = database.prepare(
      `SELECT * FROM quarantine WHERE source = ? AND id > ? ${PAGE}`,
    );
    this.#getQuarantined = database.prepare('SELECT * FROM quarantine WHERE id = ?');
    this.#deleteQuarantined = database.prepare(
      'DELETE FROM quarantine WHERE id = ? RETURNING source, reason, raw, delivery',
    );
  }

  deadLetters({ name, after, limit }: ShelfFilter): DeadLetter[] {
    const rows: DeadRow[] =
      name === undefined
        ? this.#listDead.all(Number(after ?? 0), limit)
        : this.#listDeadOf.all(name, Number(after ?? 0), limit);
    return rows.map(deadLetter);
  }

  deadLetter(id: number): DeadLetter | null {
    const row: DeadRow | undefined = this.#getDead.get(id);
    return row === undefined ? null : deadLetter(row);
  }

  purgeDead(ids: readonly number[]): number {
    return ids.filter((id) => this.#takeDead(id)).length;
  }

  /** Dead letters of sinks that are not configured stay: nobody would take the event. */
  replay(ids: readonly number[], now: number): number {
    let replayed = 0;
    for (const id of ids) {
      const letter = this.#deadForReplay.get(id);
      const sink = letter === undefined ? undefined : this.#ledger.byId(letter.sink);
      if (sink === undefined || !sink.active) continue;
      this.#appender.again(readable(letter.order_key), letter.json, sink.id, now);
      sink.pending += 1;
      this.#takeDead(id);
      replayed += 1;
    }
    return replayed;
  }

  quarantine({ name, after, limit }: ShelfFilter): Quarantined[] {
    const rows: QuarantineRow[] =
      name === undefined
        ? this.#listQuarantine.all(Number(after ?? 0), limit)
        : this.#listQuarantineOf.all(name, Number(after ?? 0), limit);
    return rows.map(quarantined);
  }

  quarantined(id: number): Quarantined | null {
    const row: QuarantineRow | undefined = this.#getQuarantined.get(id);
    return row === undefined ? null : quarantined(row);
  }

  purgeQuarantine(ids: readonly number[]): number {
    return ids.filter((id) => this.#takeQuarantined(id)).length;
  }

  accept(id: number, event: NewEvent, now: number): AppendResult | 'missing' {
    if (this.#getQuarantined.get(id) === undefined) return 'missing';
    const result = this.#appender.append({ events: [event], quarantined: [] }, now);
    if ('positions' in result) this.#takeQuarantined(id);
    return result;
  }

  #takeDead(id: number): boolean {
    const row = this.#deleteDead.get(id);
    const sink = row === undefined ? undefined : this.#ledger.byId(row.sink);
    if (sink === undefined) return false;
    sink.dead -= 1;
    sink.changed = true;
    return true;
  }

  #takeQuarantined(id: number): boolean {
    const row: QuarantineRow | undefined = this.#deleteQuarantined.get(id);
    if (row === undefined) return false;
    this.#ledger.inQuarantine -= 1;
    this.#ledger.addUnauthenticated(row.source, -unauthenticatedWeight(row));
    return true;
  }
}

function deadLetter({ id, sink, at, attempts, json }: DeadRow): DeadLetter {
  return { id: String(id), sink, at, attempts: JSON.parse(attempts), json };
}

function quarantined(row: QuarantineRow): Quarantined {
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
