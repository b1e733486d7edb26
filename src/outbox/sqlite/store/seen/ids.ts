import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { isDuplicate } from '../../../duplicate.js';
import type { NewEvent } from '../../../intake.js';
import type { Counters } from '../counters.js';
import { keyOf, packEntries, remembered, seenOf, unpackEntries } from './entry.js';
import { RecentIds } from './recent.js';
import { SeenTables } from './tables.js';

/**
 * The number of keys in memory before they go into the tables: at a million known ids this makes ten per page. Two
 * times 3 MB.
 */
const MERGE_AT = 60_000;

/** The minimum number of keys merged at once, so that single deliveries share the pages that these touch as well. */
const SLICE = 100;

interface Merging {
  readonly ids: RecentIds;
  /** The newest entry of the log that covers them. */
  readonly upTo: number;
  /** The slot from which on they remain to be written; undefined once all are written. */
  readonly next: number | undefined;
  /** Keys that have arrived since the last slice. */
  readonly due: number;
}

/** An event of the transaction in progress, and what was known of it before. */
interface Known {
  readonly key: string;
  readonly memory: number | undefined;
}

/**
 * Remembers which messageIds were accepted recently.
 *
 * Random keys cost a table one page each, written twice. So a transaction's keys are only added to a log, all in one
 * row, and held in memory. When there are many, they are frozen and written to the tables slice by slice, at the pace
 * at which new keys arrive, and then their part of the log is deleted. After a crash the log is read again. Keys that
 * were already in the tables are then written once more, which changes nothing.
 *
 * A transaction is `begin`, any number of `take`, `write`; and when it is over, `committed` or `rolledBack`.
 */
export class SeenIds {
  readonly #window: number;
  readonly #mergeAt: number;
  readonly #tables: SeenTables;
  readonly #log: StatementSyncInstance;
  readonly #cutLog: StatementSyncInstance;
  #recent: RecentIds;
  #merging: Merging | undefined;
  /**
   * Emptied and kept for the next turn: if it were left to the garbage collector, megabytes outside its heap would pile
   * up.
   */
  #spare: RecentIds | undefined;
  #lastLogged = 0;
  // The state of the transaction in progress. Its changes apply to the next transaction only once it is committed.
  #known = new Map<NewEvent, Known>();
  #taken = new Map<string, number>();
  /** What to restore in `#taken`, last one first. */
  #undo: (readonly [key: string, before: number | undefined])[] = [];
  #mergingThen: Merging | undefined;
  #lastLoggedThen = 0;

  /** `window` in milliseconds; `mergeAt` in keys. */
  constructor(
    database: DatabaseSyncInstance,
    counters: Counters,
    window: number,
    mergeAt: number = MERGE_AT,
  ) {
    this.#window = window;
    this.#mergeAt = mergeAt;
    this.#tables = new SeenTables(database, counters, window);
    this.#log = database.prepare('INSERT INTO seen_log (entries) VALUES (?)');
    this.#cutLog = database.prepare('DELETE FROM seen_log WHERE id <= ?');
    this.#recent = new RecentIds(mergeAt);
    for (const { id, entries } of database
      .prepare('SELECT * FROM seen_log ORDER BY id')
      .iterate()) {
      for (const [key, memory] of unpackEntries(entries)) this.#recent.set(key, memory);
      this.#lastLogged = id;
    }
    this.#end();
  }

  /** Looks up all events of a transaction at once. They must include every event that is passed to `take`. */
  begin(events: Iterable<NewEvent>, now: number): void {
    this.#tables.rotate(now);
    const unknown = new Map<NewEvent, string>();
    for (const event of events) {
      if (event.messageId === undefined) continue;
      const key = keyOf(event.scope, event.messageId);
      const memory = this.#recent.get(key) ?? this.#merging?.ids.get(key);
      if (memory === undefined) unknown.set(event, key);
      else this.#known.set(event, { key, memory });
    }
    const found = this.#tables.find([...unknown.values()]);
    for (const [event, key] of unknown) this.#known.set(event, { key, memory: found.get(key) });
  }

  /** Returns whether the event is a duplicate. If not, it is remembered. */
  take(event: NewEvent, now: number): boolean {
    if (event.messageId === undefined) return false;
    const known = this.#known.get(event);
    if (known === undefined) throw new TypeError('The event was not looked up');
    const { key } = known;
    const before = this.#taken.get(key);
    const memory = before ?? known.memory;
    const seen = memory === undefined ? undefined : seenOf(memory);
    if (isDuplicate(seen, event.authenticated, now, this.#window)) return true;
    this.#undo.push([key, before]);
    this.#taken.set(key, remembered(now, event.authenticated));
    return false;
  }

  /** A point to return to. */
  get mark(): number {
    return this.#undo.length;
  }

  /** Forgets what was remembered since `mark`, as if it had never arrived. */
  returnTo(mark: number): void {
    for (const [key, before] of this.#undo.splice(mark).reverse()) {
      if (before === undefined) this.#taken.delete(key);
      else this.#taken.set(key, before);
    }
  }

  /**
   * Writes what was remembered, and a share of the keys that wait to be merged, so that these are written before as
   * many new ones arrive.
   */
  write(): void {
    if (this.#taken.size === 0) return;
    this.#lastLoggedThen = Number(this.#log.run(packEntries([...this.#taken])).lastInsertRowid);
    if (this.#merging !== undefined) this.#mergingThen = this.#merge(this.#merging);
  }

  committed(): void {
    for (const [key, memory] of this.#taken) this.#recent.set(key, memory);
    this.#lastLogged = this.#lastLoggedThen;
    this.#merging = this.#mergingThen;
    if (this.#merging !== undefined && this.#merging.next === undefined) {
      this.#spare = this.#merging.ids;
      this.#spare.clear();
      this.#merging = undefined;
    }
    if (this.#merging === undefined && this.#recent.size >= this.#mergeAt) {
      this.#merging = { ids: this.#recent, upTo: this.#lastLogged, next: 0, due: 0 };
      this.#recent = this.#spare ?? new RecentIds(this.#mergeAt);
      this.#spare = undefined;
    }
    this.#end();
  }

  rolledBack(): void {
    this.#tables.reload();
    this.#end();
  }

  #merge({ ids, upTo, next: from = 0, due: before }: Merging): Merging {
    const due = before + this.#taken.size;
    if (due < Math.min(SLICE, this.#mergeAt)) return { ids, upTo, next: from, due };
    const { entries, next } = ids.slice(from, due);
    if (entries.length > 0) this.#tables.merge(entries);
    if (next === undefined) this.#cutLog.run(upTo);
    return { ids, upTo, next, due: 0 };
  }

  #end(): void {
    this.#known = new Map();
    this.#taken = new Map();
    this.#undo = [];
    this.#mergingThen = this.#merging;
    this.#lastLoggedThen = this.#lastLogged;
  }
}
