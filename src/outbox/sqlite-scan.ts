import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Attempt } from './outbox.js';
import type { Ledger, SinkRow } from './sqlite-ledger.js';
import type { Scan, ScannedEvent, ScanRequest } from './sqlite-messages.js';
import { readable } from './sqlite-text.js';

/** A scan holds up the writes behind it, so it looks at no more positions, rows and characters than these at once. */
const POSITIONS = 4_096;
const ROWS = 512;
const CHARACTERS = 1024 * 1024;

const OPEN_EVENTS =
  'SELECT position, lane, order_key, json FROM event WHERE position > ?1 AND position <= ?2' +
  ' AND (only_sink IS NULL OR only_sink = ?3)' +
  ' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?3 AND s.position = event.position)';

/** Reads what is open for a sink, in the order of arrival. */
export class Scanner {
  readonly #ledger: Ledger;
  readonly #next: StatementSyncInstance;
  readonly #all: StatementSyncInstance;
  readonly #some: StatementSyncInstance;
  readonly #attempts: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, ledger: Ledger) {
    this.#ledger = ledger;
    this.#next = database.prepare(
      'SELECT position FROM event WHERE position > ? ORDER BY position LIMIT 1',
    );
    this.#all = database.prepare(`${OPEN_EVENTS} ORDER BY position LIMIT ${ROWS}`);
    this.#some = database.prepare(
      `${OPEN_EVENTS} AND lane % ?4 IN (SELECT value FROM json_each(?5)) ORDER BY position LIMIT ${ROWS}`,
    );
    this.#attempts = database.prepare(
      'SELECT position, at, error FROM attempt WHERE sink = ? AND position BETWEEN ? AND ?' +
        ' ORDER BY position, number',
    );
  }

  scan(request: ScanRequest): Scan {
    const sink = this.#ledger.get(request.sink);
    if (sink === undefined) return { events: [], upTo: request.to };
    // One jump over what was settled or deleted long ago.
    const first = this.#next.get(Math.max(request.from, sink.position));
    if (first === undefined || first.position > request.to) return { events: [], upTo: request.to };
    const from: number = first.position - 1;
    const to = Math.min(request.to, from + POSITIONS);
    const rows =
      request.only === undefined
        ? this.#all.iterate(from, to, sink.id)
        : this.#some.iterate(from, to, sink.id, request.lanes, JSON.stringify(request.only));
    const events: ScannedEvent[] = [];
    let characters = 0;
    for (const row of rows) {
      const { position, lane, json } = row;
      events.push({
        position,
        lane: lane % request.lanes,
        orderKey: readable(row.order_key),
        json,
        attempts: [],
      });
      characters += json.length;
      if (characters >= CHARACTERS) break;
    }
    const last = events.at(-1);
    const cut = last !== undefined && (events.length === ROWS || characters >= CHARACTERS);
    return { events: this.#withAttempts(sink, events), upTo: cut ? last.position : to };
  }

  #withAttempts(sink: SinkRow, events: readonly ScannedEvent[]): readonly ScannedEvent[] {
    const first = events[0];
    const last = events.at(-1);
    if (first === undefined || last === undefined) return events;
    const rows = this.#attempts.all(sink.id, first.position, last.position);
    if (rows.length === 0) return events;
    const attempts = new Map<number, Attempt[]>();
    for (const { position, at, error } of rows) {
      const known = attempts.get(position);
      if (known === undefined) attempts.set(position, [{ at, error }]);
      else known.push({ at, error });
    }
    return events.map((event) => ({ ...event, attempts: attempts.get(event.position) ?? [] }));
  }
}
