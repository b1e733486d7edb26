import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { roomFor } from '../../limits.js';
import { compileFilter } from '../../replay/filter.js';
import type { Replay, ReplayAct, ReplayCount, ReplayFilter } from '../../replay/replays.js';
import { isGarbled } from '../health/sum.js';
import type { Appender } from './append.js';
import type { Counters, SinkRow } from './counters.js';
import { readable } from './text.js';

/** The maximum number of positions, rows and bytes per step: the writes behind it wait for a step. */
const POSITIONS = 4_096;
const ROWS = 512;
const BYTES = 1024 * 1024;

/** The maximum number of pending copies that are counted. */
const COUNTED = 5_000;

interface Row {
  readonly sink: number;
  readonly filter: string;
  readonly state: Replay['state'];
  readonly cursor: number;
  readonly first: number;
  readonly last: number;
  readonly requeued: number;
  readonly garbled: number;
  readonly started_at: number;
}

/** The replays of the sinks. Changes run inside a transaction that the caller owns. */
export class StoredReplays {
  readonly #counters: Counters;
  readonly #appender: Appender;
  readonly #all: StatementSyncInstance;
  readonly #get: StatementSyncInstance;
  readonly #begin: StatementSyncInstance;
  readonly #move: StatementSyncInstance;
  readonly #setState: StatementSyncInstance;
  readonly #next: StatementSyncInstance;
  readonly #slice: StatementSyncInstance;
  readonly #pending: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, counters: Counters, appender: Appender) {
    this.#counters = counters;
    this.#appender = appender;
    this.#all = database.prepare('SELECT * FROM replay ORDER BY sink');
    this.#get = database.prepare('SELECT * FROM replay WHERE sink = ?');
    this.#begin = database.prepare(
      "REPLACE INTO replay (sink, filter, state, cursor, first, last, requeued, garbled, started_at) VALUES (?1, ?2, 'running', ?3, ?3, ?4, 0, 0, ?5)",
    );
    this.#move = database.prepare(
      'UPDATE replay SET state = ?, cursor = ?, requeued = ?, garbled = ? WHERE sink = ?',
    );
    this.#setState = database.prepare('UPDATE replay SET state = ? WHERE sink = ?');
    this.#next = database.prepare(
      'SELECT position FROM event WHERE position > ? ORDER BY position LIMIT 1',
    );
    // What is still pending for the sink is delivered anyway, and copies are no retained events.
    this.#slice = database.prepare(
      'SELECT position, order_key, json, sum FROM event WHERE position > ?1 AND position <= ?2 AND only_sink IS NULL' +
        ' AND received_at >= ?3 AND received_at < ?4 AND (position <= ?5 OR' +
        ' EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?6 AND s.position = event.position))' +
        ` ORDER BY position LIMIT ${ROWS}`,
    );
    this.#pending = database.prepare(
      'SELECT count(*) AS events FROM (SELECT 1 FROM event WHERE only_sink = ?1 AND position > ?2' +
        ` AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?1 AND s.position = event.position) LIMIT ${COUNTED})`,
    );
  }

  list(): readonly Replay[] {
    return this.#all.all().flatMap((row: Row) => {
      const sink = this.#counters.byId(row.sink);
      return sink === undefined ? [] : [this.#replay(row, sink)];
    });
  }

  begin(name: string, filter: ReplayFilter, now: number): Replay | 'unknown' | 'unfinished' {
    const sink = this.#counters.get(name);
    if (sink?.limit === undefined) return 'unknown';
    if (this.#unfinished(sink) !== undefined) return 'unfinished';
    const { tail } = this.#counters;
    const first = (this.#next.get(0)?.position ?? tail + 1) - 1;
    this.#begin.run(sink.id, JSON.stringify(filter), first, tail, now);
    return this.#replay(this.#get.get(sink.id), sink);
  }

  change(name: string, act: ReplayAct): Replay | 'unknown' {
    const sink = this.#counters.get(name);
    const row = sink === undefined ? undefined : this.#unfinished(sink);
    if (sink === undefined || row === undefined) return 'unknown';
    const state = { pause: 'paused', resume: 'running', cancel: 'canceled' } as const;
    this.#setState.run(state[act], sink.id);
    return this.#replay(this.#get.get(sink.id), sink);
  }

  step(name: string, window: number, now: number): Replay | null {
    const sink = this.#counters.get(name);
    const row = sink === undefined ? undefined : this.#unfinished(sink);
    if (sink?.limit === undefined || row?.state !== 'running') return null;
    const free = roomFor(Number.MAX_SAFE_INTEGER, sink.pending, sink.limit);
    // New events need room, too.
    const fitting = sink.pending === 0 ? Math.max(1, Math.floor(free / 2)) : Math.floor(free / 2);
    const room = Math.min(window - this.#pendingOf(sink), fitting, free);
    if (room <= 0) return this.#replay(row, sink);
    let { garbled, requeued } = row;
    const looked = this.#look(row.cursor, row.last, sink, JSON.parse(row.filter), (event) => {
      if (isGarbled(event)) garbled += 1;
      else {
        this.#appender.requeue(readable(event.order_key), event.json, sink.id, now);
        requeued += 1;
      }
      return requeued - row.requeued < room;
    });
    sink.pending += requeued - row.requeued;
    sink.changed = true;
    const state = looked >= row.last ? 'done' : 'running';
    this.#move.run(state, looked, requeued, garbled, sink.id);
    return this.#replay(this.#get.get(sink.id), sink);
  }

  count(name: string, filter: ReplayFilter, after: number | undefined): ReplayCount | 'unknown' {
    const sink = this.#counters.get(name);
    if (sink?.limit === undefined) return 'unknown';
    const last = this.#counters.tail;
    const from = after ?? (this.#next.get(0)?.position ?? last + 1) - 1;
    let events = 0;
    const looked = this.#look(from, last, sink, filter, (event) => {
      if (!isGarbled(event)) events += 1;
      return true;
    });
    const counted = { events, looked: looked - from, left: Math.max(0, last - looked) };
    return looked >= last ? counted : { ...counted, next: looked };
  }

  /**
   * Calls `found` for the next events that match, until it returns false or the slice ends. Returns the position up to
   * which everything was looked at.
   */
  #look(
    from: number,
    last: number,
    sink: SinkRow,
    filter: ReplayFilter,
    found: (event: { order_key: string; json: string; sum: number | null }) => boolean,
  ): number {
    const next = this.#next.get(from);
    if (next === undefined || next.position > last) return last;
    const begin: number = next.position - 1;
    const end = Math.min(last, begin + POSITIONS);
    const { since = Number.MIN_SAFE_INTEGER, until = Number.MAX_SAFE_INTEGER } = filter;
    const matches = compileFilter(filter);
    let [rows, bytes] = [0, 0];
    // What is requeued meanwhile is behind `last`, so it is not read.
    const values = [begin, end, since, until, sink.position, sink.id] as const;
    for (const event of this.#slice.iterate(...values)) {
      rows += 1;
      bytes += event.json.length;
      const isMatch = isGarbled(event) || matches === undefined || matches(event.json);
      const goesOn = !isMatch || found(event);
      if (!goesOn || bytes >= BYTES || rows === ROWS) return event.position;
    }
    return end;
  }

  #unfinished({ id }: SinkRow): Row | undefined {
    const row: Row | undefined = this.#get.get(id);
    return row?.state === 'running' || row?.state === 'paused' ? row : undefined;
  }

  #pendingOf(sink: SinkRow): number {
    return this.#pending.get(sink.id, sink.position).events;
  }

  #replay(row: Row, sink: SinkRow): Replay {
    const { cursor, filter, first, garbled, last, requeued, started_at: startedAt, state } = row;
    return {
      sink: sink.name,
      filter: JSON.parse(filter),
      ...{ state, requeued, garbled, startedAt },
      pending: Math.min(requeued, this.#pendingOf(sink)),
      looked: Math.max(0, cursor - first),
      left: Math.max(0, last - cursor),
    };
  }
}
