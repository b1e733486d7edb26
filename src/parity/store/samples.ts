import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Grade } from '../settings.js';

/** Examples of each path and kind: the newest ones, so that a corrected fault disappears. */
const EACH = 5;
/** Examples of all paths together. */
const MOST = 2_000;
/** An event above this number of characters is not kept as an example. */
const LARGEST = 64 * 1024;

/** A pair that differs at a path, or an event without a partner. */
export interface Sample {
  readonly path: string;
  /** A kind of difference, or `onlyLeft` and `onlyRight`. */
  readonly kind: string;
  /** When its first event arrived, in milliseconds since the epoch. */
  readonly at: number;
  readonly grade: Grade | undefined;
  /** Canonical events as JSON text. */
  readonly left: string | undefined;
  readonly right: string | undefined;
}

/** Examples for the report. */
export class Samples {
  readonly #insert: StatementSyncInstance;
  readonly #trim: StatementSyncInstance;
  readonly #trimAll: StatementSyncInstance;
  readonly #find: StatementSyncInstance;
  readonly #kinds = new Map<string, number>();

  constructor(database: DatabaseSyncInstance) {
    this.#insert = database.prepare(
      'INSERT INTO sample (path, kind, at, grade, left, right) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#trim = database.prepare(
      `DELETE FROM sample WHERE path = ?1 AND kind = ?2 AND id <= (SELECT id FROM sample WHERE path = ?1 AND kind = ?2 ORDER BY id DESC LIMIT 1 OFFSET ${EACH})`,
    );
    this.#trimAll = database.prepare(
      `DELETE FROM sample WHERE id <= (SELECT id FROM sample ORDER BY id DESC LIMIT 1 OFFSET ${MOST})`,
    );
    this.#find = database.prepare(
      'SELECT * FROM sample WHERE at >= ? AND path = ? AND kind = ? ORDER BY id DESC LIMIT ?',
    );
  }

  /** Keeps an example. At a high rate only some are kept: writing each would cost more than the pairing. */
  keep({ at, grade, kind, left, path, right }: Sample): void {
    const key = `${kind} ${path}`;
    if (at - (this.#kinds.get(key) ?? Number.NEGATIVE_INFINITY) < 1_000 / EACH) return;
    if ((left?.length ?? 0) > LARGEST || (right?.length ?? 0) > LARGEST) return;
    if (this.#kinds.size > MOST) this.#kinds.clear();
    this.#kinds.set(key, at);
    const text = JSON.stringify(path);
    this.#insert.run(text, kind, at, grade ?? null, left ?? null, right ?? null);
    this.#trim.run(text, kind);
  }

  /** Returns the newest examples since a time. */
  find(since: number, path: string, kind: string, most = EACH): Sample[] {
    return this.#find.all(since, JSON.stringify(path), kind, most).map((row) => ({
      path,
      kind,
      at: row.at,
      grade: row.grade ?? undefined,
      left: row.left ?? undefined,
      right: row.right ?? undefined,
    }));
  }

  trim(): void {
    this.#trimAll.run();
  }
}
