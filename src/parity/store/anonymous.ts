import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { hashOf } from '../hash.js';

/** Votes that make two anonymousIds belong together. */
const AGREED = 2;

/** More votes than this are not counted. */
const CERTAIN = 10;
/** A confirmed partner is written again after this time, in milliseconds. */
const RENEWED = 3_600_000;

/** From this number of pairs on it counts whether the sides usually have the same anonymousIds. */
const USUAL = 20;
const RARELY = 0.05;

/**
 * Learns which anonymousIds belong together. The SDKs of both vendors give the same visitor another one each. An
 * anonymousId of the right belongs to one of the left at a time: Segment makes a new one after a logout, which then
 * takes over by two votes.
 */
export class AnonymousIds {
  readonly #find: StatementSyncInstance;
  readonly #findLeft: StatementSyncInstance;
  readonly #save: StatementSyncInstance;
  readonly #prune: StatementSyncInstance;
  #same = 0;
  #different = 0;

  constructor(database: DatabaseSyncInstance) {
    this.#find = database.prepare('SELECT * FROM anonymous WHERE id = ?');
    this.#findLeft = database.prepare(
      `SELECT id FROM anonymous WHERE partner = ? AND votes >= ${AGREED} LIMIT 1`,
    );
    this.#save = database.prepare(
      'INSERT OR REPLACE INTO anonymous (id, partner, votes, rival, rivals, at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#prune = database.prepare('DELETE FROM anonymous WHERE at < ?');
    // A restart must not forget that the sides' ids differ.
    if (database.prepare('SELECT 1 AS found FROM anonymous LIMIT 1').get()) this.#different = 1;
  }

  /** Returns the left side's anonymousId of a visitor of the right side; the given one if it is not known. */
  leftOf(right: string): string {
    if (this.#different === 0 && this.#same > 0) return right;
    const row = this.#find.get(hashOf(right));
    return row === undefined || row.votes < AGREED ? right : (JSON.parse(row.partner) as string);
  }

  /**
   * Two events of one person have these ids. Returns whether `right` has another partner now. `now`: milliseconds since
   * the epoch.
   */
  vote(left: string, right: string, now: number): boolean {
    if (left === right) {
      this.#same += 1;
      return false;
    }
    this.#different += 1;
    const id = hashOf(right);
    const name = JSON.stringify(left);
    const row = this.#find.get(id);
    if (row === undefined) {
      this.#save.run(id, name, 1, null, 0, now);
      return false;
    }
    if (row.partner === name) {
      if (row.votes < CERTAIN || now - row.at > RENEWED)
        this.#save.run(id, name, row.votes + 1, null, 0, now);
      return row.votes + 1 === AGREED;
    }
    const rivals = row.rival === name ? row.rivals + 1 : 1;
    if (rivals < AGREED) {
      this.#save.run(id, row.partner, row.votes, name, rivals, row.at);
      return false;
    }
    this.#save.run(id, name, AGREED, null, 0, now);
    return true;
  }

  /** Whether two anonymousIds of one pair are known not to belong together. */
  contradicts(left: string, right: string): boolean {
    if (left === right) return false;
    const total = this.#same + this.#different;
    if (total >= USUAL && this.#different <= total * RARELY) return true;
    const row = this.#find.get(hashOf(right));
    if (row !== undefined && row.votes >= AGREED) return row.partner !== JSON.stringify(left);
    return this.#findLeft.get(JSON.stringify(left)) !== undefined;
  }

  /** Forgets visitors that were not confirmed since a time. */
  prune(before: number): void {
    this.#prune.run(before);
  }
}
