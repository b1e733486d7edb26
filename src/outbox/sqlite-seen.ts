import { hash } from 'node:crypto';
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { isDuplicate, type Seen } from './duplicate.js';
import type { NewEvent } from './outbox.js';
import type { Ledger } from './sqlite-ledger.js';

/** Half a SHA-256: short keys keep the tree small (a unique index over UUID texts halves the throughput). */
const KEY_LENGTH = 16;

interface Generation {
  readonly find: StatementSyncInstance;
  readonly insert: StatementSyncInstance;
  readonly replace: StatementSyncInstance;
  readonly clear: StatementSyncInstance;
  readonly any: StatementSyncInstance;
  /** Whether it holds anything, so that an empty one costs no look-up. */
  filled: boolean;
}

/**
 * Which messageIds were accepted lately. Two tables take turns: new ids go into one, and when that has been filled for a
 * window, the other, in which everything is older than a window by then, is emptied and takes over.
 */
export class SeenIds {
  readonly #ledger: Ledger;
  readonly #window: number;
  readonly #generations: readonly [Generation, Generation];

  constructor(database: DatabaseSyncInstance, ledger: Ledger, window: number) {
    this.#ledger = ledger;
    this.#window = window;
    this.#generations = [generation(database, 'seen_0'), generation(database, 'seen_1')];
  }

  /** After a rollback: what is remembered of the tables may be wrong. */
  reload(): void {
    for (const each of this.#generations) each.filled = each.any.get() !== undefined;
  }

  /** Lets the generations take turns where it is time. Once a transaction, before anything else of it. */
  rotate(now: number): void {
    const ledger = this.#ledger;
    const age = now - ledger.generationSince;
    if (age >= 0 && age < this.#window) return;
    ledger.generationSince = now;
    // The clock went back: nothing may be forgotten early, so this generation simply lasts longer.
    if (age < 0) return;
    ledger.generation = 1 - ledger.generation;
    const current = this.#current();
    if (current.filled) current.clear.run();
    current.filled = false;
  }

  /** Whether the event is a duplicate; if not, it is remembered. */
  take(event: NewEvent, now: number): boolean {
    if (event.messageId === undefined) return false;
    const key = keyOf(event.scope, event.messageId);
    const { authenticated } = event;
    const earlier = this.#earlier();
    const old = earlier.filled ? seenIn(earlier, key) : undefined;
    if (isDuplicate(old, authenticated, now, this.#window)) return true;
    const current = this.#current();
    const { changes } = current.insert.run(key, now, authenticated ? 1 : 0);
    current.filled = true;
    if (changes === 1) return false;
    if (isDuplicate(seenIn(current, key), authenticated, now, this.#window)) return true;
    current.replace.run(key, now, authenticated ? 1 : 0);
    return false;
  }

  #current(): Generation {
    return this.#generations[this.#ledger.generation === 0 ? 0 : 1];
  }

  #earlier(): Generation {
    return this.#generations[this.#ledger.generation === 0 ? 1 : 0];
  }
}

function generation(database: DatabaseSyncInstance, table: 'seen_0' | 'seen_1'): Generation {
  const any = database.prepare(`SELECT 1 FROM ${table} LIMIT 1`);
  return {
    find: database.prepare(`SELECT at, authenticated FROM ${table} WHERE key = ?`),
    insert: database.prepare(`INSERT INTO ${table} VALUES (?, ?, ?) ON CONFLICT DO NOTHING`),
    replace: database.prepare(`REPLACE INTO ${table} VALUES (?, ?, ?)`),
    clear: database.prepare(`DELETE FROM ${table}`),
    any,
    filled: any.get() !== undefined,
  };
}

function seenIn(generation: Generation, key: Uint8Array): Seen | undefined {
  const row = generation.find.get(key);
  return row === undefined ? undefined : { at: row.at, authenticated: row.authenticated === 1 };
}

/**
 * The scope's length goes in as well, so that no scope and id can be cut into another pair with the same key; the id as
 * JSON text, because UTF-8 has only one replacement for all lone surrogates.
 */
function keyOf(scope: string, messageId: string): Uint8Array {
  const digest = hash('sha256', `${scope.length}:${scope}:${JSON.stringify(messageId)}`, 'buffer');
  return digest.subarray(0, KEY_LENGTH);
}
