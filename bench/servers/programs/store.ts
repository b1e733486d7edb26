import { openSync, writeSync } from 'node:fs';
import { DatabaseSync } from '@photostructure/sqlite';

interface Database {
  insert(json: string): void;
  exec(sql: string): void;
}

/** Opens the same SQLite engine with the same durability as the receiver's store. */
export function openDatabase(file: string): Database {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000;
    CREATE TABLE event (position INTEGER PRIMARY KEY AUTOINCREMENT, json TEXT NOT NULL)`);
  const statement = database.prepare('INSERT INTO event (json) VALUES (?)');
  return { insert: (json) => void statement.run(json), exec: (sql) => database.exec(sql) };
}

export interface Store {
  /** Calls `stored` once the events are durable. */
  append(events: readonly string[], stored: () => void): void;
}

/** Writes all events that have arrived in this turn of the event loop in one transaction, then to each of the files. */
export function openStore(file: string, files = 0): Store {
  const { exec, insert } = openDatabase(file);
  const descriptors = Array.from({ length: files }, (_, index) => openSync(`${index}.ndjson`, 'a'));
  let waiting: { events: readonly string[]; stored: () => void }[] = [];
  const flush = (): void => {
    const group = waiting;
    waiting = [];
    exec('BEGIN IMMEDIATE');
    for (const { events } of group) for (const json of events) insert(json);
    exec('COMMIT');
    for (const { stored } of group) stored();
    if (descriptors.length === 0) return;
    const lines = group.flatMap(({ events }) => events.map((json) => `${json}\n`)).join('');
    for (const descriptor of descriptors) writeSync(descriptor, lines);
  };
  return {
    append(events, stored) {
      if (waiting.push({ events, stored }) === 1) setImmediate(flush);
    },
  };
}
