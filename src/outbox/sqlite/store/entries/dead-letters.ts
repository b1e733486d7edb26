import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { type Bounds, sharesOf } from '../../../bounds.js';
import type { DeadLetter, EntryFilter, KeptDeadLetters, Requeued } from '../../../entries.js';
import { roomFor } from '../../../limits.js';
import { isGarbled } from '../../health/sum.js';
import type { Appender } from '../append.js';
import type { Counters, SinkRow } from '../counters.js';
import type { Notices } from '../notices.js';
import { readable } from '../text.js';
import { takeEach } from './take-each.js';

// The row as the queries below return it.
interface Row {
  readonly id: number;
  readonly sink: string;
  readonly at: number;
  readonly attempts: string;
  readonly json: string;
}

const SELECT =
  'SELECT d.id, s.name AS sink, d.at, d.attempts, d.json FROM dead_letter d JOIN sink s ON s.id = d.sink';
const PAGE = 'ORDER BY 1 LIMIT ?';

/** The maximum number of entries that one transaction drops at a limit. */
const SLICE = 1_000;

/** Dead letters. Changes run inside a transaction that the caller owns. */
export class DeadLetters {
  readonly #counters: Counters;
  readonly #appender: Appender;
  readonly #notices: Notices;
  readonly #bounds: Bounds;
  readonly #list: StatementSyncInstance;
  readonly #listOf: StatementSyncInstance;
  readonly #get: StatementSyncInstance;
  readonly #forRequeue: StatementSyncInstance;
  readonly #delete: StatementSyncInstance;
  readonly #oldestOf: StatementSyncInstance;
  readonly #old: StatementSyncInstance;

  constructor(
    database: DatabaseSyncInstance,
    counters: Counters,
    appender: Appender,
    notices: Notices,
    bounds: Bounds,
  ) {
    this.#counters = counters;
    this.#appender = appender;
    this.#notices = notices;
    this.#bounds = bounds;
    this.#list = database.prepare(`${SELECT} WHERE d.id > ? ${PAGE}`);
    this.#listOf = database.prepare(
      `${SELECT} WHERE d.sink = (SELECT id FROM sink WHERE name = ?) AND d.id > ? ${PAGE}`,
    );
    this.#get = database.prepare(`${SELECT} WHERE d.id = ?`);
    this.#forRequeue = database.prepare(
      'SELECT sink, order_key, json, sum FROM dead_letter WHERE id = ?',
    );
    this.#delete = database.prepare('DELETE FROM dead_letter WHERE id = ? RETURNING sink');
    this.#oldestOf = database.prepare(
      'SELECT id FROM dead_letter WHERE sink = ? ORDER BY id LIMIT ?',
    );
    this.#old = database.prepare(
      `SELECT id FROM dead_letter WHERE at <= ? ORDER BY at LIMIT ${SLICE}`,
    );
  }

  list({ name, after, limit }: EntryFilter): DeadLetter[] {
    const from = Number(after ?? 0);
    const rows: Row[] =
      name === undefined ? this.#list.all(from, limit) : this.#listOf.all(name, from, limit);
    return rows.map(deadLetter);
  }

  get(id: number): DeadLetter | null {
    const row: Row | undefined = this.#get.get(id);
    return row === undefined ? null : deadLetter(row);
  }

  purge(ids: readonly number[]): number {
    return ids.filter((id) => this.#take(id) !== undefined).length;
  }

  /**
   * Makes these pending again, as many as their sinks have room for. Dead letters of unconfigured sinks remain, and so
   * do garbled ones: if delivered, they would pass for what was received.
   */
  requeue(ids: readonly number[], now: number): Requeued {
    let requeued = 0;
    const kept = new Map<string, KeptDeadLetters>();
    for (const id of ids) {
      const letter = this.#forRequeue.get(id);
      const sink = letter === undefined ? undefined : this.#counters.byId(letter.sink);
      if (sink === undefined) continue;
      const why = isGarbled(letter) ? 'garbled' : obstacle(sink);
      if (why !== undefined) {
        const key = `${why} ${sink.name}`;
        kept.set(key, { sink: sink.name, why, events: (kept.get(key)?.events ?? 0) + 1 });
        continue;
      }
      this.#appender.requeue(readable(letter.order_key), letter.json, sink.id, now);
      sink.pending += 1;
      this.#take(id);
      requeued += 1;
    }
    return { requeued, kept: [...kept.values()] };
  }

  /** Drops entries above the limit by count. Returns whether more are above it. */
  dropExcess(): boolean {
    const sinks = [...this.#counters.all()];
    const excess = sinks.reduce((sum, { dead }) => sum + dead, 0) - this.#bounds.max;
    if (excess <= 0) return false;
    const counts = new Map(sinks.map(({ name, dead }) => [name, dead]));
    for (const [name, count] of sharesOf(counts, Math.min(excess, SLICE))) {
      const sink = this.#counters.get(name);
      this.#drop(sink === undefined ? [] : this.#oldestOf.all(sink.id, count), 'max');
    }
    return excess > SLICE;
  }

  /** Drops entries above the limit by age. Returns whether there may be more. */
  dropOld(now: number): boolean {
    if ([...this.#counters.all()].every(({ dead }) => dead === 0)) return false;
    const old = this.#old.all(now - this.#bounds.keep);
    this.#drop(old, 'keep');
    return old.length === SLICE;
  }

  #drop(rows: readonly { readonly id: number }[], bound: 'max' | 'keep'): void {
    for (const [name, events] of takeEach(rows, (id) => this.#take(id))) {
      this.#notices.add({ kind: 'lost', loss: { what: 'deadLetters', name, bound }, events });
    }
  }

  /** Returns the name of the sink whose dead letter this was. */
  #take(id: number): string | undefined {
    const row = this.#delete.get(id);
    const sink = row === undefined ? undefined : this.#counters.byId(row.sink);
    if (sink === undefined) return undefined;
    sink.dead -= 1;
    sink.changed = true;
    return sink.name;
  }
}

/** Returns why a sink cannot accept another event. */
function obstacle({ limit, pending }: SinkRow): 'full' | 'not configured' | undefined {
  if (limit === undefined) return 'not configured';
  return roomFor(1, pending, limit) === 0 ? 'full' : undefined;
}

function deadLetter({ id, sink, at, attempts, json }: Row): DeadLetter {
  return { id: String(id), sink, at, attempts: JSON.parse(attempts), json };
}
