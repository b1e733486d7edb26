import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { ENTRY_LENGTH, KEY_LENGTH, packEntries, packKeys, unpackMemory } from './seen-entry.js';
import type { Ledger } from './sqlite-ledger.js';

/** The numbers from 0 up to before ?2, by which one statement goes through packed keys: a call a key costs three times as much. */
const EACH = 'WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)';

interface Generation {
  readonly find: StatementSyncInstance;
  readonly merge: StatementSyncInstance;
  readonly clear: StatementSyncInstance;
  readonly any: StatementSyncInstance;
  /** Whether it holds anything, so that an empty one costs no look-up. */
  filled: boolean;
}

/**
 * The known messageIds on disk. Two tables take turns: new ids go into one, and when that has been filled for a window,
 * the other, in which everything is older than a window by then, is emptied and takes over.
 */
export class SeenTables {
  readonly #ledger: Ledger;
  readonly #window: number;
  readonly #generations: readonly [Generation, Generation];
  /** The earliest time seen since the clock is behind the start of the current generation. */
  #behindSince: number | undefined;

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
    if (age < 0) {
      this.#waitBehind(now);
      return;
    }
    this.#behindSince = undefined;
    if (age < this.#window) return;
    ledger.generationSince = now;
    ledger.generation = 1 - ledger.generation;
    const current = this.#current();
    if (current.filled) current.clear.run();
    current.filled = false;
  }

  /**
   * The clock went back, perhaps only for a while: a generation that began anew now would end too early once the clock is
   * right again. After a window behind, the clock was wrong before, and waiting for that time could take years.
   */
  #waitBehind(now: number): void {
    this.#behindSince = Math.min(this.#behindSince ?? now, now);
    if (now - this.#behindSince < this.#window) return;
    this.#ledger.generationSince = now;
    this.#behindSince = undefined;
  }

  /** What is remembered of these keys, as far as it is. */
  find(keys: readonly string[]): Map<string, number> {
    const found = new Map<string, number>();
    if (keys.length === 0) return found;
    const packed = packKeys(keys);
    // The current one last: where both know a key, the newer memory counts.
    for (const { filled, find } of [this.#earlier(), this.#current()]) {
      if (!filled) continue;
      for (const { i, memory } of find.all(packed, keys.length)) {
        const key = keys[i];
        if (key !== undefined) found.set(key, unpackMemory(memory));
      }
    }
    return found;
  }

  /**
   * Writes these over what is known of their keys. They go into the current generation however old they are, and so are
   * kept for longer than a window, never shorter.
   */
  merge(entries: readonly (readonly [string, number])[]): void {
    const current = this.#current();
    current.merge.run(packEntries(entries), entries.length);
    current.filled = true;
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
  const key = (length: number): string => `substr(?1, i * ${length} + 1, ${KEY_LENGTH})`;
  const memory = `substr(?1, i * ${ENTRY_LENGTH} + ${KEY_LENGTH + 1}, ${ENTRY_LENGTH - KEY_LENGTH})`;
  return {
    find: database.prepare(
      `${EACH} SELECT i, memory FROM n CROSS JOIN ${table} ON key = ${key(KEY_LENGTH)}`,
    ),
    merge: database.prepare(
      `${EACH} REPLACE INTO ${table} SELECT ${key(ENTRY_LENGTH)}, ${memory} FROM n`,
    ),
    clear: database.prepare(`DELETE FROM ${table}`),
    any,
    filled: any.get() !== undefined,
  };
}
