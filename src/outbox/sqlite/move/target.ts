import { existsSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { TrackbridgeError } from '../../../core/errors.js';
import type { Quarantined } from '../../entries.js';
import type {
  MovedEvent,
  MovedId,
  MovedLetter,
  MovedProgress,
  MoveSummary,
  MoveTarget,
} from '../../move.js';
import { countQuarantined } from '../../move.js';
import { orderHash } from '../../order-hash.js';
import { syncPath } from '../file/draft.js';
import { openDatabase } from '../file/open.js';
import { sumOf } from '../health/sum.js';
import { columnsOf } from '../store/attempt-row.js';
import { packEntries } from '../store/seen/entry.js';
import { bindable } from '../store/text.js';

/**
 * Creates the file for a move, under another name until it is complete. An interrupted move starts over: the file of the
 * one before is deleted. Throws START_FAILED if there is a store already.
 */
export function openSqliteTarget(path: string): MoveTarget {
  if (existsSync(path)) {
    const message = `${basename(path)} exists already; move it away, or set outbox.path to another file`;
    throw new TrackbridgeError('START_FAILED', message);
  }
  const draft = `${path}.moving`;
  for (const suffix of ['', '-wal', '-shm', '-mark']) rmSync(`${draft}${suffix}`, { force: true });
  return new SqliteTarget(path, draft, openDatabase(draft, 'full'));
}

class SqliteTarget implements MoveTarget {
  readonly #path: string;
  readonly #draft: string;
  readonly #database: DatabaseSyncInstance;
  readonly #sinks = new Map<string, number>();
  readonly #dead = new Map<string, number>();
  readonly #quarantine = new Map<string, { entries: number; weight: number }>();
  #tail = 0;

  constructor(path: string, draft: string, database: DatabaseSyncInstance) {
    this.#path = path;
    this.#draft = draft;
    this.#database = database;
  }

  async begin({ sinks }: MoveSummary): Promise<number> {
    // One transaction: nobody sees the file before it is complete.
    this.#database.exec('BEGIN IMMEDIATE');
    const insert = this.#database.prepare(
      'INSERT INTO sink (name, active, position, pending, delivered, dead, filtered, discarded, paused) VALUES (?, ?, 0, 0, ?, 0, ?, ?, ?)',
    );
    for (const { active, delivered, discarded, filtered, name, paused } of sinks) {
      const flags = [active ? 1 : 0, paused ? 1 : 0];
      const { lastInsertRowid } = insert.run(
        name,
        flags[0],
        delivered,
        filtered,
        discarded,
        flags[1],
      );
      this.#sinks.set(name, Number(lastInsertRowid));
    }
    return 0;
  }

  async events(events: readonly MovedEvent[], first: number): Promise<void> {
    const insert = this.#database.prepare(
      'INSERT INTO event (position, lane, received_at, only_sink, order_key, json, sum) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    const attempt = this.#database.prepare('INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?)');
    for (const [at, { json, onlySink, orderKey, pending, receivedAt }] of events.entries()) {
      const position = first + at;
      const only = onlySink === undefined ? null : (this.#sinks.get(onlySink) ?? null);
      const sum = sumOf(orderKey, json);
      insert.run(position, orderHash(orderKey), receivedAt, only, bindable(orderKey), json, sum);
      this.#tail = position;
      for (const { attempts, sink } of pending) {
        for (const [number, each] of attempts.entries()) {
          attempt.run(this.#sinks.get(sink), position, number + 1, ...columnsOf(each));
        }
      }
    }
  }

  async seen(ids: readonly MovedId[]): Promise<void> {
    const insert = this.#database.prepare('REPLACE INTO seen_0 (key, memory) VALUES (?, ?)');
    for (const { at, authenticated, key } of ids) {
      const bytes = Buffer.from(key, 'hex');
      const entry = packEntries([[bytes.toString('latin1'), at * 2 + (authenticated ? 1 : 0)]]);
      insert.run(bytes, entry.subarray(bytes.length));
    }
  }

  async deadLetters(letters: readonly MovedLetter[]): Promise<void> {
    const insert = this.#database.prepare(
      'INSERT INTO dead_letter (sink, at, order_key, attempts, json, sum) VALUES (?, ?, ?, ?, ?, ?)',
    );
    for (const { at, attempts, json, orderKey, sink } of letters) {
      const id = this.#sinks.get(sink);
      insert.run(id, at, bindable(orderKey), JSON.stringify(attempts), json, sumOf(orderKey, json));
      this.#dead.set(sink, (this.#dead.get(sink) ?? 0) + 1);
    }
  }

  async quarantine(entries: readonly Omit<Quarantined, 'id'>[]): Promise<void> {
    const insert = this.#database.prepare(
      'INSERT INTO quarantine (source, delivery_id, received_at, reason, errors, delivery, raw, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    for (const entry of entries) {
      const { delivery, deliveryId, errors, raw, reason, receivedAt, source } = entry;
      const sum = sumOf(source, delivery, raw);
      const texts = [JSON.stringify(errors), delivery, raw];
      insert.run(source, deliveryId, receivedAt, reason, ...texts, sum);
      countQuarantined(this.#quarantine, entry);
    }
  }

  async finish(
    { accepted, duplicates, id, quarantined }: MoveSummary,
    sinks: ReadonlyMap<string, MovedProgress>,
  ): Promise<void> {
    const settle = this.#database.prepare('INSERT INTO settled VALUES (?, ?)');
    const update = this.#database.prepare(
      'UPDATE sink SET position = ?, pending = ?, dead = ? WHERE id = ?',
    );
    for (const [name, { pending, position, settled }] of sinks) {
      const sink = this.#sinks.get(name);
      update.run(position, pending, this.#dead.get(name) ?? 0, sink);
      for (const each of settled) settle.run(sink, each);
    }
    const count = this.#database.prepare(
      'INSERT INTO quarantine_count (source, entries, weight) VALUES (?, ?, ?)',
    );
    let inQuarantine = 0;
    for (const [source, { entries, weight }] of this.#quarantine) {
      count.run(source, entries, weight);
      inQuarantine += entries;
    }
    this.#database
      .prepare(
        'UPDATE ledger SET store = ?, tail = ?, accepted = ?, duplicates = ?, quarantined = ?, in_quarantine = ?, generation = 0, generation_since = ?',
      )
      .run(
        id,
        this.#tail,
        accepted,
        duplicates,
        quarantined,
        inQuarantine,
        // The ids are kept for a window from the newest of them on.
        Number(
          this.#database
            .prepare("SELECT cast(strftime('%s', 'now') AS INTEGER) * 1000 AS now")
            .get().now,
        ),
      );
    this.#database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
    this.#database.close();
    syncPath(this.#draft);
    renameSync(this.#draft, this.#path);
    syncPath(dirname(this.#path));
  }

  async close(): Promise<void> {
    if (existsSync(this.#draft)) this.#database.close();
    for (const suffix of ['', '-wal', '-shm', '-mark']) {
      rmSync(`${this.#draft}${suffix}`, { force: true });
    }
  }
}
