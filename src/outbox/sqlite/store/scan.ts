import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { Attempt } from '../../feed.js';
import { isGarbled } from '../health/sum.js';
import type { Scan, ScannedEvent, ScanRequest, StoredTexts } from '../thread/messages.js';
import { attemptIn } from './attempt-row.js';
import type { Counters, SinkRow } from './counters.js';
import { readable } from './text.js';

/** The maximum number of positions and rows per scan, because a scan holds up the writes behind it. */
const POSITIONS = 4_096;
const ROWS = 512;

// octet_length() reads the size from the head of the row: the pages of a large text are not read for it.
const OPEN_EVENTS =
  'SELECT position, lane, order_key, sum, octet_length(json) AS bytes,' +
  ' CASE WHEN octet_length(json) <= ?4 THEN json END AS json' +
  ' FROM event WHERE position > ?1 AND position <= ?2' +
  ' AND (only_sink IS NULL OR only_sink = ?3)' +
  ' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?3 AND s.position = event.position)';

/** Reads a sink's open events in the order of arrival. */
export class Scanner {
  readonly #counters: Counters;
  readonly #next: StatementSyncInstance;
  readonly #all: StatementSyncInstance;
  readonly #some: StatementSyncInstance;
  readonly #attempts: StatementSyncInstance;
  readonly #text: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, counters: Counters) {
    this.#counters = counters;
    this.#next = database.prepare(
      'SELECT position FROM event WHERE position > ? ORDER BY position LIMIT 1',
    );
    this.#all = database.prepare(`${OPEN_EVENTS} ORDER BY position LIMIT ${ROWS}`);
    this.#some = database.prepare(
      `${OPEN_EVENTS} AND lane % ?5 IN (SELECT value FROM json_each(?6)) ORDER BY position LIMIT ${ROWS}`,
    );
    this.#attempts = database.prepare(
      'SELECT position, at, error, far_side, crashed FROM attempt WHERE sink = ? AND position BETWEEN ? AND ?' +
        ' ORDER BY position, number',
    );
    this.#text = database.prepare('SELECT order_key, json, sum FROM event WHERE position = ?');
  }

  scan(request: ScanRequest): Scan {
    const sink = this.#counters.get(request.sink);
    const { tail } = this.#counters;
    const end = Math.min(request.to ?? tail, tail);
    if (sink === undefined) return { events: [], upTo: end };
    // Skips at once what was settled or deleted long ago.
    const first = this.#next.get(Math.max(request.from, sink.position));
    if (first === undefined || first.position > end) return { events: [], upTo: end };
    const from: number = first.position - 1;
    const to = Math.min(end, from + POSITIONS);
    const rows =
      request.only === undefined
        ? this.#all.iterate(from, to, sink.id, request.large)
        : this.#someOf(from, to, sink.id, request);
    const events: ScannedEvent[] = [];
    let held = 0;
    for (const row of rows) {
      const { position, lane, bytes, json } = row;
      const event: ScannedEvent = {
        position,
        lane: lane % request.lanes,
        orderKey: readable(row.order_key),
        bytes,
        json,
        attempts: [],
      };
      events.push(json !== null && isGarbled(row) ? { ...event, isGarbled: true } : event);
      if (json !== null) held += bytes;
      if (held >= request.bytes) break;
    }
    const last = events.at(-1);
    const cut = last !== undefined && (events.length === ROWS || held >= request.bytes);
    return { events: this.#withAttempts(sink, events), upTo: cut ? last.position : to };
  }

  #someOf(from: number, to: number, sink: number, { large, lanes, only }: ScanRequest) {
    return this.#some.iterate(from, to, sink, large, lanes, JSON.stringify(only));
  }

  texts(positions: readonly number[]): StoredTexts {
    const garbled: number[] = [];
    const texts = positions.map((position) => {
      const row = this.#text.get(position);
      if (row === undefined || !isGarbled(row)) return row?.json ?? null;
      garbled.push(position);
      return null;
    });
    return { texts, garbled };
  }

  #withAttempts(sink: SinkRow, events: readonly ScannedEvent[]): readonly ScannedEvent[] {
    const first = events[0];
    const last = events.at(-1);
    if (first === undefined || last === undefined) return events;
    const rows = this.#attempts.all(sink.id, first.position, last.position);
    if (rows.length === 0) return events;
    const attempts = new Map<number, Attempt[]>();
    for (const row of rows) {
      const known = attempts.get(row.position);
      if (known === undefined) attempts.set(row.position, [attemptIn(row)]);
      else known.push(attemptIn(row));
    }
    return events.map((event) => ({ ...event, attempts: attempts.get(event.position) ?? [] }));
  }
}
