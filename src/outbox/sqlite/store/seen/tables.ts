import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Counters } from '../counters.js';
import { ENTRY_LENGTH, KEY_LENGTH, packEntries, packKeys, unpackMemory } from './entry.js';

/**
 * The numbers from 0 to ?2 - 1, with which one statement iterates over packed keys: one call per key costs three times
 * as much.
 */
const EACH = 'WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)';

interface Generation {
  readonly find: StatementSyncInstance;
  readonly merge: StatementSyncInstance;
  readonly clear: StatementSyncInstance;
  readonly any: StatementSyncInstance;
  /** Whether the table holds anything, so that an empty one needs no lookup. */
  filled: boolean;
}

/**
 * The known messageIds on disk. Two tables take turns: new ids go into one. When it has been filled for a window,
 * everything in the other is older than a window. The other one is then emptied and takes over.
 */
export class SeenTables {
  readonly #counters: Counters;
  readonly #window: number;
  readonly #generations: readonly [Generation, Generation];
  /** The earliest time seen since the clock fell behind the start of the current generation. */
  #behindSince: number | undefined;

  constructor(database: DatabaseSyncInstance, counters: Counters, window: number) {
    this.#counters = counters;
    this.#window = window;
    this.#generations = [generation(database, 'seen_0'), generation(database, 'seen_1')];
  }

  /** Reloads after a rollback: the state in memory may be wrong. */
  reload(): void {
    for (const each of this.#generations) each.filled = each.any.get() !== undefined;
  }

  /** Switches generations if it is time. Call it once per transaction, before anything else. */
  rotate(now: number): void {
    const counters = this.#counters;
    const age = now - counters.generationSince;
    if (age < 0) {
      this.#waitBehind(now);
      return;
    }
    this.#behindSince = undefined;
    if (age < this.#window) return;
    counters.generationSince = now;
    counters.generation = 1 - counters.generation;
    const current = this.#current();
    if (current.filled) current.clear.run();
    current.filled = false;
  }

  /**
   * Handles a clock that went back, perhaps only for a while. A generation restarted now would end too early once the
   * clock is right again. If the clock stays behind for a whole window, it was wrong before, and waiting for the old
   * time could take years.
   */
  #waitBehind(now: number): void {
    this.#behindSince = Math.min(this.#behindSince ?? now, now);
    if (now - this.#behindSince < this.#window) return;
    this.#counters.generationSince = now;
    this.#behindSince = undefined;
  }

  /** Returns what is remembered of these keys, if anything. */
  find(keys: readonly string[]): Map<string, number> {
    const found = new Map<string, number>();
    if (keys.length === 0) return found;
    const packed = packKeys(keys);
    // The current table is last: if both know a key, the newer memory counts.
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
   * Overwrites what is known of these keys. They go into the current generation however old they are, and so are kept
   * for longer than a window, never shorter.
   */
  merge(entries: readonly (readonly [string, number])[]): void {
    const current = this.#current();
    current.merge.run(packEntries(entries), entries.length);
    current.filled = true;
  }

  #current(): Generation {
    return this.#generations[this.#counters.generation === 0 ? 0 : 1];
  }

  #earlier(): Generation {
    return this.#generations[this.#counters.generation === 0 ? 1 : 0];
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
