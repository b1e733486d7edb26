import { Buffer } from 'node:buffer';
import { turn } from '../../../core/clock.js';
import { TrackbridgeError } from '../../../core/errors.js';
import type { Settlement } from '../../feed.js';
import { arrayText, joined, SEPARATOR } from '../append/text.js';
import { causeOf, type Session } from '../connection/database.js';
import { isRefused, stateOf } from '../connection/failure.js';
import type { Shared } from '../shared.js';
import { countSinksText, countSinksValues, type SinkTotals } from '../totals.js';
import { type LaneLease, laneLost } from './lease.js';
import type { OpenEvent, Partition } from './partition.js';

/** Settlements of events that were claimed under one lease. They are recorded together or not at all. */
interface Call {
  readonly lease: LaneLease;
  readonly settlements: readonly (readonly [OpenEvent, Settlement])[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface SettlerDeps {
  readonly shared: Shared;
  readonly sink: number;
  /**
   * Compares the owned partitions with their records, and revokes the leases of those that are lost. Call it while
   * nothing is being recorded.
   */
  readonly resync: () => Promise<void>;
  /** Called with the events that are finally settled. */
  readonly onSettled: (events: readonly OpenEvent[]) => void;
  /** Called when events have become dead letters. Never rejects. */
  readonly onBuried: () => Promise<void>;
}

/** How often settlements are tried again after an operator has purged the sink meanwhile. */
const TRIES = 3;

/**
 * Records the outcomes of events in the lane records, with the epoch under which this process owns them: another
 * process may have taken them over. While a transaction is in progress, everything that arrives waits for the next one.
 */
export class Settler {
  readonly #deps: SettlerDeps;
  #waiting: Call[] = [];
  #pump: Promise<void> | undefined;

  constructor(deps: SettlerDeps) {
    this.#deps = deps;
  }

  settle(lease: LaneLease, settlements: Call['settlements']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lease, settlements, resolve, reject });
      this.#pump ??= this.#run();
    });
  }

  /** Resolves when nothing waits or is in progress. */
  async idle(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  async #run(): Promise<void> {
    await turn();
    while (this.#waiting.length > 0) {
      const calls = this.#waiting.splice(0);
      if (!(await this.#record(calls))) for (const call of calls) await this.#recordAlone(call);
      await turn();
    }
    this.#pump = undefined;
  }

  /** Records calls together. Resolves to false if that has to be done one by one. */
  async #record(calls: readonly Call[]): Promise<boolean> {
    try {
      await this.#write(calls);
      for (const { resolve } of calls) resolve();
      return true;
    } catch (error) {
      if (isStale(error)) return false;
      for (const { reject } of calls) reject(error);
      return true;
    }
  }

  async #recordAlone(call: Call): Promise<void> {
    try {
      for (let tried = 0; ; tried += 1) {
        await this.#deps.resync();
        try {
          await this.#write([call]);
          return call.resolve();
        } catch (error) {
          if (!isStale(error) || tried >= TRIES) throw isStale(error) ? laneLost() : error;
        }
      }
    } catch (error) {
      if (error instanceof TrackbridgeError && error.code === 'LANE_LOST') {
        this.#deps.shared.observer?.stale?.(call.settlements.length);
      }
      call.reject(error);
    }
  }

  async #write(calls: readonly Call[]): Promise<void> {
    const { shared, sink } = this.#deps;
    const settled = new Set<OpenEvent>();
    const touched = new Set<Partition>();
    const retries: (readonly [OpenEvent, Settlement & { outcome: 'retry' }])[] = [];
    const dead: (readonly [OpenEvent, Settlement & { outcome: 'dead' }])[] = [];
    const counts = { delivered: 0, filtered: 0, died: 0, letters: 0 };
    for (const { lease, settlements } of calls) {
      if (lease.revoked.aborted) throw laneLost();
      for (const [event, settlement] of settlements) {
        if (event.state !== 'claimed' || settled.has(event)) continue;
        touched.add(event.partition);
        if (settlement.outcome === 'retry') {
          retries.push([event, settlement]);
          continue;
        }
        settled.add(event);
        if (settlement.outcome === 'done') counts.delivered += 1;
        else if (settlement.outcome === 'filtered') counts.filtered += 1;
        else {
          counts.died += 1;
          counts.letters += 1;
          dead.push([event, settlement]);
        }
      }
    }
    if (touched.size === 0) return;
    const tried = [...settled].filter(({ attempts }) => attempts.length > 0);
    try {
      if (retries.length + dead.length + tried.length === 0) {
        await this.#move(shared.database, touched, settled, counts);
      } else {
        await shared.database.transact(async (session) => {
          await this.#move(session, touched, settled, counts);
          await this.#retry(session, retries);
          await this.#bury(session, dead);
          await this.#dropAttempts(session, tried);
        });
      }
    } catch (error) {
      const cause = causeOf(error);
      if (cause !== undefined && !isRefused(cause)) shared.totals.renew();
      throw error;
    }
    for (const [event, { attempt }] of retries) {
      event.attempts.push(attempt);
      event.partition.attempts.set(event.position, event.attempts);
    }
    for (const partition of touched) {
      partition.turn += 1;
      partition.settle([...settled].filter((event) => event.partition === partition));
    }
    shared.totals.counted(sink, counts);
    shared.backlogs.report();
    this.#deps.onSettled([...settled]);
    if (dead.length > 0) await this.#deps.onBuried();
  }

  /** Moves the lane records and counts, in one statement, which fails if one of the records has another owner. */
  async #move(
    session: Session,
    touched: ReadonlySet<Partition>,
    settled: ReadonlySet<OpenEvent>,
    counts: Partial<SinkTotals>,
  ): Promise<void> {
    const { sink } = this.#deps;
    const { membership, schema, totals } = this.#deps.shared;
    const partitions = [...touched].sort((a, b) => a.number - b.number);
    const progress = partitions.map((partition) => partition.after(settled));
    await session.run(
      {
        name: 'settle',
        text: `WITH moved AS (
            UPDATE ${schema}.lane l SET turn = l.turn + 1, xid = s.xid, position = s.position,
              settled = coalesce(string_to_array(nullif(s.settled, '-'), ',')::bigint[], '{}')
            FROM unnest($1::smallint[], $2::bigint[], $3::xid8[], $4::bigint[], string_to_array($5::text, '${SEPARATOR}'), $6::bigint[], $19::bigint[])
              AS s (partition, epoch, xid, position, settled, void, turn)
            WHERE l.sink = $7::integer AND l.partition = s.partition AND l.epoch = s.epoch AND l.owner = $8::uuid AND l.void = s.void AND l.turn = s.turn
            RETURNING l.partition
          ), counted AS (${countSinksText(schema, 9)})
          SELECT 1 / (CASE WHEN (SELECT count(*) FROM moved) = cardinality($1::smallint[]) THEN 1 ELSE 0 END) AS moved`,
      },
      [
        arrayText(partitions.map(({ number }) => number)),
        arrayText(partitions.map(({ epoch }) => epoch)),
        arrayText(progress.map(({ place }) => place.xid)),
        arrayText(progress.map(({ place }) => place.position)),
        joined(progress.map((each) => each.settled.join(',') || '-')),
        arrayText(partitions.map((each) => each.void)),
        sink,
        membership.id,
        totals.writer('settle'),
        membership.id,
        ...countSinksValues(new Map([[sink, counts]])),
        arrayText(partitions.map(({ turn }) => turn)),
      ],
    );
  }

  async #retry(
    session: Session,
    retries: readonly (readonly [OpenEvent, Settlement & { outcome: 'retry' }])[],
  ): Promise<void> {
    const { schema } = this.#deps.shared;
    for (const [{ attempts, partition, position }, { attempt }] of retries) {
      await session.run(
        {
          name: 'retry',
          text: `INSERT INTO ${schema}.attempt (sink, partition, position, number, at, error, far_side, crashed)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (sink, position, number) DO UPDATE SET
            at = excluded.at, error = excluded.error, far_side = excluded.far_side, crashed = excluded.crashed`,
        },
        [
          this.#deps.sink,
          partition.number,
          position,
          attempts.length + 1,
          Math.round(attempt.at),
          storable(attempt.error),
          attempt.farSide === undefined ? null : storable(attempt.farSide),
          attempt.crashed ?? null,
        ],
      );
    }
  }

  async #bury(
    session: Session,
    dead: readonly (readonly [OpenEvent, Settlement & { outcome: 'dead' }])[],
  ): Promise<void> {
    if (dead.length === 0) return;
    const { schema } = this.#deps.shared;
    const sorted = dead.toSorted(([a], [b]) => a.position - b.position);
    await session.run(
      `INSERT INTO ${schema}.dead_letter (sink, at, order_key, attempts, json)
       SELECT $1::integer, d.at, e.order_key, d.attempts, e.json
         FROM unnest($2::bigint[], $3::bigint[], string_to_array($4::text, '${SEPARATOR}')) WITH ORDINALITY
           AS d (position, at, attempts, n) JOIN ${schema}.event e ON e.position = d.position ORDER BY d.n`,
      [
        this.#deps.sink,
        arrayText(sorted.map(([{ position }]) => position)),
        arrayText(sorted.map(([, { attempt }]) => Math.round(attempt.at))),
        joined(sorted.map(([event, { attempt }]) => JSON.stringify([...event.attempts, attempt]))),
      ],
    );
  }

  async #dropAttempts(session: Session, tried: readonly OpenEvent[]): Promise<void> {
    if (tried.length === 0) return;
    await session.run(
      `DELETE FROM ${this.#deps.shared.schema}.attempt WHERE sink = $1 AND position = ANY($2::bigint[])`,
      [this.#deps.sink, arrayText(tried.map(({ position }) => position))],
    );
  }
}

/** Whether a record had another owner, its sink was purged, or an earlier change was made that nobody answered. */
function isStale(error: unknown): boolean {
  return stateOf(causeOf(error)) === '22012';
}

/** One line of a failure, as PostgreSQL can store it. */
function storable(text: string): string {
  return Buffer.from(text).toString().replaceAll('\0', '');
}
