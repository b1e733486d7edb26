import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Side } from '../settings.js';
import type { Meta } from './meta.js';

/**
 * The messageIds of each side, to recognize a redelivery. Two tables take turns: when one has been filled for `keep`
 * milliseconds, the other holds only older ids, is emptied and takes over.
 */
export class SeenIds {
  readonly #meta: Meta;
  readonly #keep: number;
  readonly #tables: readonly {
    readonly find: StatementSyncInstance;
    readonly add: StatementSyncInstance;
    readonly clear: StatementSyncInstance;
  }[];

  constructor(database: DatabaseSyncInstance, meta: Meta, keep: number) {
    this.#meta = meta;
    this.#keep = keep;
    this.#tables = ['seen_0', 'seen_1'].map((table) => ({
      find: database.prepare(`SELECT 1 AS found FROM ${table} WHERE side = ? AND id = ?`),
      add: database.prepare(`INSERT OR IGNORE INTO ${table} (side, id) VALUES (?, ?)`),
      clear: database.prepare(`DELETE FROM ${table}`),
    }));
  }

  /** Call it once per transaction. `now`: milliseconds since the epoch. */
  rotate(now: number): void {
    const since = this.#meta.get('seenSince');
    if (since !== undefined && now - since < this.#keep) return;
    const current = 1 - (this.#meta.get('seenTable') ?? 1);
    this.#tables[current]?.clear.run();
    this.#meta.set('seenTable', current);
    this.#meta.set('seenSince', now);
  }

  /** Adds an id. Returns whether the side had it before. */
  add(side: Side, id: number): boolean {
    const number = side === 'left' ? 0 : 1;
    const current = this.#meta.get('seenTable') ?? 0;
    if (this.#tables[1 - current]?.find.get(number, id) !== undefined) return true;
    return Number(this.#tables[current]?.add.run(number, id).changes) === 0;
  }
}
