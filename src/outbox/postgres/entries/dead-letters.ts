import { type Bounds, sharesOf } from '../../bounds.js';
import type { DeadLetter, EntryFilter, KeptDeadLetters, Requeued } from '../../entries.js';
import { roomFor } from '../../limits.js';
import { readText } from '../append/text.js';
import type { Row, Session } from '../connection/database.js';
import type { Shared } from '../shared.js';
import type { StoredSink } from '../sinks/registration.js';
import { countSink } from '../totals.js';
import { type Drops, idsOf, pageOf, rowOf } from './page.js';
import { type Requeuer, written } from './requeue.js';

/** The maximum number of dead letters that one transaction drops at a bound. */
const SLICE = 1_000;

/** Dead letters. */
export class DeadLetters {
  readonly #shared: Shared;
  readonly #requeuer: Requeuer;
  readonly #bounds: Bounds | undefined;

  constructor(shared: Shared, requeuer: Requeuer) {
    this.#shared = shared;
    this.#requeuer = requeuer;
    this.#bounds = shared.options.deadLetters;
  }

  async list({ name, ...filter }: EntryFilter): Promise<readonly DeadLetter[]> {
    const { after, limit } = pageOf(filter);
    const rows = await this.#shared.database.run(
      `${this.#select()} WHERE d.id > $1 AND ($3::text IS NULL OR s.name = $3) ORDER BY d.id LIMIT $2`,
      [after, limit, name ?? null],
    );
    return rows.map(deadLetterIn);
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const rows = await this.#shared.database.run(`${this.#select()} WHERE d.id = $1`, [rowOf(id)]);
    return rows.map(deadLetterIn)[0];
  }

  async purge(ids: readonly string[]): Promise<number> {
    const removed = await this.#shared.database.transact((session) =>
      this.#remove(session, 'id = ANY($1::bigint[])', [idsOf(ids)]),
    );
    this.#counted(removed);
    return sumOf(removed);
  }

  /** Makes these pending again, each for its sink, as many as that has room for, in one transaction. */
  async requeue(ids: readonly string[]): Promise<Requeued> {
    const { backlogs, database, schema, totals } = this.#shared;
    await totals.ensure();
    const kept = new Map<string, KeptDeadLetters>();
    const result = await database.transact(async (session) => {
      await this.#requeuer.begin(session);
      const rows = await session.run(
        `SELECT id, sink, order_key, json FROM ${schema}.dead_letter WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE`,
        [idsOf(ids)],
      );
      const taken = new Map<StoredSink, Row[]>();
      for (const row of rows) {
        const sink = backlogs.byId(Number(row['sink']));
        if (sink === undefined) continue;
        const own = taken.get(sink) ?? [];
        const why = obstacle(sink, backlogs.pending(sink) + own.length);
        if (why === undefined) {
          taken.set(sink, [...own, row]);
          continue;
        }
        const events = (kept.get(sink.name)?.events ?? 0) + 1;
        kept.set(sink.name, { sink: sink.name, events, why });
      }
      const all = [...taken.values()].flat();
      const removed = await this.#remove(session, 'id = ANY($1::bigint[])', [
        idsOf(all.map((row) => String(row['id']))),
      ]);
      const requeues: (readonly [StoredSink, readonly number[]])[] = [];
      for (const [sink, letters] of taken) {
        const events = letters.map((row) => ({
          orderKey: readText(String(row['order_key'])),
          json: String(row['json']),
        }));
        requeues.push([sink, await this.#requeuer.write(session, sink, events)]);
      }
      return { removed, requeues };
    });
    this.#counted(result.removed);
    let requeued = 0;
    for (const [sink, positions] of result.requeues) {
      requeued += positions.length;
      written(this.#shared, sink, positions);
    }
    return { requeued, kept: [...kept.values()] };
  }

  /** Drops a slice of what is above a bound. Resolves to whether there may be more. */
  async keepBounds(): Promise<boolean> {
    const { backlogs, database, losses, schema } = this.#shared;
    const { keep, max } = this.#bounds ?? {};
    if (keep === undefined || max === undefined) return false;
    const drops = await database.transact(async (session): Promise<Drops> => {
      const old = await this.#remove(
        session,
        `id IN (SELECT id FROM ${schema}.dead_letter
          WHERE at <= extract(epoch FROM clock_timestamp()) * 1000 - $1::bigint ORDER BY at LIMIT ${SLICE})`,
        [keep],
      );
      this.#counted(old);
      const over = await this.#dropExcess(session, max);
      return [
        ...[...old].map(([sink, events]) => drop(backlogs.byId(sink)?.name, events, 'keep')),
        ...[...over].map(([sink, events]) => drop(backlogs.byId(sink)?.name, events, 'max')),
      ];
    });
    for (const { bound, events, name } of drops) {
      losses.note({ what: 'deadLetters', name, bound }, events);
    }
    return drops.reduce((sum, { events }) => sum + events, 0) >= SLICE;
  }

  async #dropExcess(session: Session, max: number): Promise<ReadonlyMap<number, number>> {
    const { schema } = this.#shared;
    const rows = await session.run(
      `SELECT sink, sum(letters) AS letters FROM ${schema}.sink_tally GROUP BY sink`,
    );
    const counts = new Map(rows.map((row) => [String(row['sink']), Number(row['letters'])]));
    const excess = [...counts.values()].reduce((sum, count) => sum + count, 0) - max;
    const dropped = new Map<number, number>();
    if (excess <= 0) return dropped;
    for (const [sink, share] of sharesOf(counts, Math.min(excess, SLICE))) {
      const removed = await this.#remove(
        session,
        `id IN (SELECT id FROM ${schema}.dead_letter WHERE sink = $1 ORDER BY id LIMIT $2)`,
        [Number(sink), share],
      );
      this.#counted(removed);
      for (const [id, events] of removed) dropped.set(id, events);
    }
    return dropped;
  }

  /** Removes entries inside a transaction of the caller. Resolves to how many each sink had. */
  async #remove(
    session: Session,
    condition: string,
    values: readonly unknown[],
  ): Promise<ReadonlyMap<number, number>> {
    const { membership, schema, totals } = this.#shared;
    const rows = await session.run(
      `DELETE FROM ${schema}.dead_letter WHERE ${condition} RETURNING sink`,
      values,
    );
    const removed = new Map<number, number>();
    for (const row of rows) {
      const sink = Number(row['sink']);
      removed.set(sink, (removed.get(sink) ?? 0) + 1);
    }
    for (const sink of [...removed.keys()].sort((a, b) => a - b)) {
      const letters = -(removed.get(sink) ?? 0);
      await countSink(session, schema, totals.writer('other'), membership.id, sink, { letters });
    }
    return removed;
  }

  #counted(removed: ReadonlyMap<number, number>): void {
    for (const [sink, events] of removed) this.#shared.totals.counted(sink, { letters: -events });
  }

  #select(): string {
    const { schema } = this.#shared;
    return `SELECT d.id, s.name AS sink, d.at, d.attempts, d.json FROM ${schema}.dead_letter d JOIN ${schema}.sink s ON s.id = d.sink`;
  }
}

/** Returns why a sink cannot accept another event. */
function obstacle(sink: StoredSink, pending: number): 'full' | 'not configured' | undefined {
  if (!sink.active) return 'not configured';
  return roomFor(1, pending, sink.limit) === 0 ? 'full' : undefined;
}

function drop(name: string | undefined, events: number, bound: 'max' | 'keep'): Drops[number] {
  return { name: name ?? '', events, bound };
}

function sumOf(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function deadLetterIn(row: Row): DeadLetter {
  return {
    id: String(row['id']),
    sink: String(row['sink']),
    at: Number(row['at']),
    attempts: JSON.parse(String(row['attempts'])),
    json: String(row['json']),
  };
}
