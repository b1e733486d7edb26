import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';

/** Numbers that a comparison remembers. */
export type MetaKey =
  | 'seenTable'
  | 'seenSince'
  | 'leftLast'
  | 'rightLast'
  | 'leftFirst'
  | 'rightFirst'
  | 'leftSince'
  | 'rightSince'
  | 'bootId'
  | 'rolledUp';

/** Named numbers, written at once and read from memory. Call `reload` after a rollback. */
export class Meta {
  readonly #database: DatabaseSyncInstance;
  readonly #set: StatementSyncInstance;
  readonly #values = new Map<string, number>();

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
    this.#set = database.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    this.reload();
  }

  reload(): void {
    this.#values.clear();
    for (const { key, value } of this.#database.prepare('SELECT key, value FROM meta').all()) {
      this.#values.set(key, value);
    }
  }

  get(key: MetaKey): number | undefined {
    return this.#values.get(key);
  }

  set(key: MetaKey, value: number): void {
    if (this.#values.get(key) === value) return;
    this.#values.set(key, value);
    this.#set.run(key, value);
  }
}
