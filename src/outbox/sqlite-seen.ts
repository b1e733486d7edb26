import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { isDuplicate } from './duplicate.js';
import type { NewEvent } from './outbox.js';
import { keyOf, packEntries, remembered, seenOf, unpackEntries } from './seen-entry.js';
import { RecentIds } from './seen-recent.js';
import type { Ledger } from './sqlite-ledger.js';
import { SeenTables } from './sqlite-seen-tables.js';

/** Keys in memory before they go into the tables: at a million known ids this makes ten a page. Two times 3 MB. */
const MERGE_AT = 60_000;

/** Keys merged at once, at least, so that also single deliveries share the pages that these touch. */
const SLICE = 100;

interface Merging {
  readonly ids: RecentIds;
  /** The newest entry of the log that is about them. */
  readonly upTo: number;
  /** From which slot on they are to be written; undefined once all are. */
  readonly next: number | undefined;
  /** Keys that have come since the last slice. */
  readonly owed: number;
}

/** An event of the transaction under way, and what was known of it before. */
interface Known {
  readonly key: string;
  readonly memory: number | undefined;
}

/**
 * Which messageIds were accepted lately.
 *
 * Random keys cost a table one page each, written twice. So a transaction's keys are only added to a log, all in one row,
 * and held in memory; when there are many, they are set aside and go into the tables slice by slice, at the pace at which
 * others come, and then their part of the log is deleted. After a crash the log is read again: what was in the tables
 * already is then written once more, which changes nothing.
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
  /** Emptied, for the next turn: left to the garbage collector, megabytes outside its heap pile up. */
  #spare: RecentIds | undefined;
  #lastLogged = 0;
  // Of the transaction under way; what it changes is in force for the next one only once it is committed.
  #known = new Map<NewEvent, Known>();
  #taken = new Map<string, number>();
  /** What to put back into `#taken`, last one first. */
  #undo: (readonly [key: string, before: number | undefined])[] = [];
  #mergingThen: Merging | undefined;
  #lastLoggedThen = 0;

  /** `window` in milliseconds; `mergeAt` in keys. */
  constructor(
    database: DatabaseSyncInstance,
    ledger: Ledger,
    window: number,
    mergeAt: number = MERGE_AT,
  ) {
    this.#window = window;
    this.#mergeAt = mergeAt;
    this.#tables = new SeenTables(database, ledger, window);
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

  /** Looks all events of a transaction up at once. Everything `take` is asked about must be among them. */
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

  /** Whether the event is a duplicate; if not, it is remembered. */
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

  /** A place to return to. */
  get mark(): number {
    return this.#undo.length;
  }

  /** Forgets what was taken since then, as if it had never come. */
  returnTo(mark: number): void {
    for (const [key, before] of this.#undo.splice(mark).reverse()) {
      if (before === undefined) this.#taken.delete(key);
      else this.#taken.set(key, before);
    }
  }

  /** Writes what was taken, and as many of the keys that wait to be merged: so they are through before more have come. */
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
      this.#merging = { ids: this.#recent, upTo: this.#lastLogged, next: 0, owed: 0 };
      this.#recent = this.#spare ?? new RecentIds(this.#mergeAt);
      this.#spare = undefined;
    }
    this.#end();
  }

  rolledBack(): void {
    this.#tables.reload();
    this.#end();
  }

  #merge({ ids, upTo, next: from = 0, owed: before }: Merging): Merging {
    const owed = before + this.#taken.size;
    if (owed < Math.min(SLICE, this.#mergeAt)) return { ids, upTo, next: from, owed };
    const { entries, next } = ids.slice(from, owed);
    if (entries.length > 0) this.#tables.merge(entries);
    if (next === undefined) this.#cutLog.run(upTo);
    return { ids, upTo, next, owed: 0 };
  }

  #end(): void {
    this.#known = new Map();
    this.#taken = new Map();
    this.#undo = [];
    this.#mergingThen = this.#merging;
    this.#lastLoggedThen = this.#lastLogged;
  }
}
