import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { TrackbridgeError } from '../../../core/errors.js';
import type { Quarantined } from '../../entries.js';
import type { Attempt } from '../../feed.js';
import type { MovedEvent, MovedId, MovedLetter, MoveSource, MoveSummary } from '../../move.js';
import { openDatabase } from '../file/open.js';
import { MOVED } from '../file/schema.js';
import { isGarbled } from '../health/sum.js';
import { attemptIn } from '../store/attempt-row.js';
import { unpackEntries, unpackMemory } from '../store/seen/entry.js';
import { readable } from '../store/text.js';

const CHUNK = 1_000;

interface Sink {
  readonly id: number;
  readonly name: string;
  readonly position: number;
}

/** Opens a store in a file for a move. Throws as opening it does, above all if a receiver has it open. */
export function openSqliteSource(path: string): MoveSource {
  const database = openDatabase(path, 'full');
  return new SqliteSource(database);
}

class SqliteSource implements MoveSource {
  readonly #database: DatabaseSyncInstance;

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
  }

  async summary(): Promise<MoveSummary> {
    const ledger = this.#database.prepare('SELECT * FROM ledger').get();
    const sinks = this.#database.prepare('SELECT * FROM sink ORDER BY id').all();
    return {
      id: ledger.store,
      accepted: ledger.accepted,
      duplicates: ledger.duplicates,
      quarantined: ledger.quarantined,
      sinks: sinks.map((sink) => ({
        name: sink.name,
        active: sink.active === 1,
        paused: sink.paused === 1,
        delivered: sink.delivered,
        filtered: sink.filtered,
        discarded: sink.discarded,
      })),
    };
  }

  async *events(): AsyncIterable<readonly MovedEvent[]> {
    const sinks: Sink[] = this.#database.prepare('SELECT id, name, position FROM sink').all();
    const names = new Map(sinks.map(({ id, name }) => [id, name]));
    const read = this.#database.prepare(
      `SELECT position, received_at, only_sink, order_key, json, sum FROM event WHERE position > ? ORDER BY position LIMIT ${CHUNK}`,
    );
    const isSettled = this.#database.prepare(
      'SELECT 1 FROM settled WHERE sink = ? AND position = ?',
    );
    const attempts = this.#database.prepare(
      'SELECT at, error, far_side, crashed FROM attempt WHERE sink = ? AND position = ? ORDER BY number',
    );
    let last = 0;
    for (;;) {
      const rows = read.all(last);
      if (rows.length === 0) return;
      last = rows.at(-1)?.position ?? last;
      yield rows.map((row): MovedEvent => {
        if (isGarbled(row)) throw garbled('an event');
        const open = sinks.filter(
          ({ id, position }) =>
            row.position > position &&
            (row.only_sink === null || row.only_sink === id) &&
            isSettled.get(id, row.position) === undefined,
        );
        const onlySink = names.get(row.only_sink);
        return {
          orderKey: readable(row.order_key),
          receivedAt: row.received_at,
          json: row.json,
          ...(onlySink === undefined ? {} : { onlySink }),
          pending: open.map(({ id, name }) => ({
            sink: name,
            attempts: attempts.all(id, row.position).map((each): Attempt => attemptIn(each)),
          })),
        };
      });
    }
  }

  async *seen(): AsyncIterable<readonly MovedId[]> {
    const { generation } = this.#database.prepare('SELECT generation FROM ledger').get();
    for (const table of [`seen_${1 - generation}`, `seen_${generation}`]) {
      const read = this.#database.prepare(
        `SELECT key, memory FROM ${table} WHERE key > ? ORDER BY key LIMIT ${CHUNK}`,
      );
      for (let last = new Uint8Array(); ; ) {
        const rows = read.all(last);
        if (rows.length === 0) break;
        last = rows.at(-1)?.key ?? last;
        yield rows.map(({ key, memory }) =>
          movedId(Buffer.from(key).toString('hex'), unpackMemory(memory)),
        );
      }
    }
    for (const { entries } of this.#database
      .prepare('SELECT entries FROM seen_log ORDER BY id')
      .all()) {
      const ids = new Map(unpackEntries(entries));
      yield [...ids].map(([key, memory]) =>
        movedId(Buffer.from(key, 'latin1').toString('hex'), memory),
      );
    }
  }

  async *deadLetters(): AsyncIterable<readonly MovedLetter[]> {
    const read = this.#database.prepare(
      `SELECT d.id, s.name AS sink, d.at, d.order_key, d.attempts, d.json, d.sum FROM dead_letter d JOIN sink s ON s.id = d.sink
        WHERE d.id > ? ORDER BY d.id LIMIT ${CHUNK}`,
    );
    for (let last = 0; ; ) {
      const rows = read.all(last);
      if (rows.length === 0) return;
      last = rows.at(-1)?.id ?? last;
      yield rows.map((row): MovedLetter => {
        if (isGarbled(row)) throw garbled('a dead letter');
        const { at, attempts, json, sink } = row;
        return {
          sink,
          at,
          orderKey: readable(row.order_key),
          attempts: JSON.parse(attempts),
          json,
        };
      });
    }
  }

  async *quarantine(): AsyncIterable<readonly Omit<Quarantined, 'id'>[]> {
    const read = this.#database.prepare(
      `SELECT * FROM quarantine WHERE id > ? ORDER BY id LIMIT ${CHUNK}`,
    );
    for (let last = 0; ; ) {
      const rows = read.all(last);
      if (rows.length === 0) return;
      last = rows.at(-1)?.id ?? last;
      yield rows.map((row) => ({
        source: row.source,
        deliveryId: row.delivery_id,
        receivedAt: row.received_at,
        reason: row.reason,
        errors: JSON.parse(row.errors),
        delivery: row.delivery,
        raw: row.raw,
      }));
    }
  }

  async retire(): Promise<void> {
    this.#database.exec(`PRAGMA user_version = ${MOVED}; PRAGMA wal_checkpoint(TRUNCATE)`);
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

function movedId(key: string, memory: number): MovedId {
  return { key, at: Math.floor(memory / 2), authenticated: memory % 2 === 1 };
}

function garbled(what: string): TrackbridgeError {
  return new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${what} is damaged in the store: its checksum does not match; see trackbridge outbox check, and start a receiver, which makes it a dead letter to purge`,
  );
}
