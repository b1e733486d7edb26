import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Difference, Grade } from '../settings.js';

/** What is counted for each type and name of event. */
export type Counted =
  | 'both'
  | 'onlyLeft'
  | 'onlyRight'
  | 'different'
  | 'late'
  | 'repeatsLeft'
  | 'repeatsRight'
  | Grade;

/** Whose event it is. `event` is null for types without a name. */
export interface Named {
  readonly type: string;
  readonly event: string | null;
}

/** Names, paths and rules beyond this number in one comparison are counted together: a sender chooses them. */
const MOST_NAMES = 1_000;
const MOST_PATHS = 500;
const OTHER = '(other)';

/** Milliseconds of a bucket. */
const BUCKET = 1_000;
/** Buckets are merged to this size when they are older than `MERGED_AFTER`. */
const MERGED = 60_000;
const MERGED_AFTER = 3_600_000;

/** Lags are counted in steps of this factor: a percentile is exact to five percent. */
const LAG_FACTOR = 1.05;

/** Returns the step of a lag in milliseconds. */
function lagStep(lag: number): number {
  return lag < 1 ? 0 : 1 + Math.floor(Math.log(lag) / Math.log(LAG_FACTOR));
}

/** Returns the lag in the middle of a step, in milliseconds. */
export function lagOfStep(step: number): number {
  return step === 0 ? 0 : Math.round(LAG_FACTOR ** (step - 0.5));
}

/**
 * Counts by time, kept in memory until `flush` writes them in the transaction of the caller. A verdict that changes is
 * counted by a negative number in the bucket of the first one.
 */
export class Tallies {
  readonly #database: DatabaseSyncInstance;
  readonly #tally: StatementSyncInstance;
  readonly #lag: StatementSyncInstance;
  readonly #difference: StatementSyncInstance;
  readonly #names = new Set<string>();
  readonly #paths = new Set<string>();
  readonly #waiting = new Map<string, { add(): void; events: number }>();

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
    const add = (table: string, keys: string, counter: string): StatementSyncInstance =>
      database.prepare(
        `INSERT INTO ${table} (bucket, ${keys}, ${counter}) VALUES (?, ${keys.replace(/\w+/g, '?')}, ?)` +
          ` ON CONFLICT DO UPDATE SET ${counter} = ${counter} + excluded.${counter}`,
      );
    this.#tally = add('tally', 'type, event, what', 'events');
    this.#lag = add('lag', 'step', 'pairs');
    this.#difference = add('difference', 'path, kind, cause', 'events');
    for (const row of database.prepare('SELECT DISTINCT type, event FROM tally').all()) {
      this.#names.add(`${row.type} ${row.event}`);
    }
    for (const row of database.prepare('SELECT DISTINCT path FROM difference').all()) {
      this.#paths.add(row.path);
    }
  }

  /** Counts an event that arrived at `at` (milliseconds since the epoch). */
  count(at: number, named: Named, what: Counted, events = 1): void {
    const [type, event] = this.#nameOf(named);
    const bucket = bucketOf(at);
    this.#add(`t ${bucket} ${type} ${event} ${what}`, events, (sum) =>
      this.#tally.run(bucket, type, event, what, sum),
    );
  }

  /** Counts the time between the arrivals of a pair, in milliseconds. */
  lag(at: number, lag: number): void {
    const bucket = bucketOf(at);
    const step = lagStep(Math.abs(lag));
    this.#add(`l ${bucket} ${step}`, 1, (sum) => this.#lag.run(bucket, step, sum));
  }

  /** Counts a pair that differs. `cause` is '' if it is unknown. */
  difference(at: number, { kind, path }: Difference, cause: string): void {
    const bucket = bucketOf(at);
    const text = JSON.stringify(path);
    const known = limited(this.#paths, text, MOST_PATHS) ? text : JSON.stringify(`/${OTHER}`);
    this.#add(`d ${bucket} ${known} ${kind} ${cause}`, 1, (sum) =>
      this.#difference.run(bucket, known, kind, cause, sum),
    );
  }

  /** Counts a pair that would differ without a rule. */
  rule(at: number, rule: string): void {
    const bucket = bucketOf(at);
    this.#add(`r ${bucket} ${rule}`, 1, (sum) =>
      this.#difference.run(bucket, '', 'rule', rule, sum),
    );
  }

  /** Writes what was counted. */
  flush(): void {
    for (const { add } of this.#waiting.values()) add();
    this.#waiting.clear();
  }

  /** Forgets what was counted since the last flush: the transaction was rolled back. */
  discard(): void {
    this.#waiting.clear();
  }

  /** Merges buckets from `from` on that are old enough, and deletes those before `before`. Returns the next `from`. */
  rollUp(from: number, now: number, before: number): number {
    const to = Math.floor((now - MERGED_AFTER) / MERGED) * MERGED;
    for (const [table, keys, counter] of TABLES) {
      this.#database.prepare(`DELETE FROM ${table} WHERE bucket < ?`).run(before);
      if (to <= from) continue;
      const columns = keys.replaceAll(' ', ', ');
      this.#database.exec(
        `CREATE TEMP TABLE merged AS SELECT bucket / ${MERGED} * ${MERGED} AS bucket, ${columns}, sum(${counter}) AS ${counter}` +
          ` FROM ${table} WHERE bucket >= ${from} AND bucket < ${to} GROUP BY 1, ${columns};` +
          `DELETE FROM ${table} WHERE bucket >= ${from} AND bucket < ${to};` +
          `INSERT INTO ${table} (bucket, ${columns}, ${counter}) SELECT * FROM merged WHERE true` +
          ` ON CONFLICT DO UPDATE SET ${counter} = ${counter} + excluded.${counter};` +
          'DROP TABLE merged',
      );
    }
    return Math.max(from, to);
  }

  #nameOf({ event, type }: Named): readonly [string, string] {
    // As JSON: SQLite's binding cuts texts at a NUL character.
    const name = [JSON.stringify(type), JSON.stringify(event)] as const;
    if (limited(this.#names, name.join(' '), MOST_NAMES)) return name;
    return [name[0], JSON.stringify(OTHER)];
  }

  #add(key: string, events: number, write: (sum: number) => void): void {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.events += events;
      return;
    }
    const counted = { events, add: () => write(counted.events) };
    this.#waiting.set(key, counted);
  }
}

const TABLES = [
  ['tally', 'type event what', 'events'],
  ['lag', 'step', 'pairs'],
  ['difference', 'path kind cause', 'events'],
] as const;

function bucketOf(at: number): number {
  return Math.floor(at / BUCKET) * BUCKET;
}

/** Adds a name unless there are too many. Returns whether it is in the set. */
function limited(names: Set<string>, name: string, most: number): boolean {
  if (names.has(name)) return true;
  if (names.size >= most) return false;
  names.add(name);
  return true;
}
