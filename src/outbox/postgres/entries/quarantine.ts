import { TrackbridgeError } from '../../../core/errors.js';
import { type Bounds, sharesOf } from '../../bounds.js';
import type { EntryFilter, Quarantined } from '../../entries.js';
import type { NewQuarantined } from '../../intake.js';
import {
  exceedsUnauthenticated,
  unauthenticatedFull,
  unauthenticatedWeight,
  weightOf,
} from '../../unauthenticated.js';
import { joined, SEPARATOR } from '../append/text.js';
import type { Row, Session } from '../connection/database.js';
import type { Shared } from '../shared.js';
import { type Drops, idsOf, pageOf, rowOf } from './page.js';

/** The maximum number of entries that one transaction drops for their age. */
const SLICE = 1_000;

const COLUMNS = 'id, source, delivery_id, received_at, reason, errors, delivery, raw';

/** The quarantine. */
export class Quarantine {
  readonly #shared: Shared;
  readonly #bounds: Bounds | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#bounds = shared.options.quarantine;
  }

  async list({ name, ...filter }: EntryFilter): Promise<readonly Quarantined[]> {
    const { database, schema } = this.#shared;
    const { after, limit } = pageOf(filter);
    const rows = await database.run(
      `SELECT ${COLUMNS} FROM ${schema}.quarantine WHERE id > $1 AND ($3::text IS NULL OR source = $3) ORDER BY id LIMIT $2`,
      [after, limit, name ?? null],
    );
    return rows.map(quarantinedIn);
  }

  async get(id: string): Promise<Quarantined | undefined> {
    const { database, schema } = this.#shared;
    const rows = await database.run(`SELECT ${COLUMNS} FROM ${schema}.quarantine WHERE id = $1`, [
      rowOf(id),
    ]);
    return rows.map(quarantinedIn)[0];
  }

  purge(ids: readonly string[]): Promise<number> {
    return this.#shared.database.transact(async (session) => {
      const removed = await this.remove(session, 'id = ANY($1::bigint[])', [idsOf(ids)]);
      return sumOf(removed);
    });
  }

  /**
   * Adds entries inside a transaction of the caller, and drops the oldest above the bound. Throws QUARANTINE_FULL if
   * there are too many unauthenticated ones.
   */
  async add(
    session: Session,
    entries: readonly NewQuarantined[],
    limit = Number.POSITIVE_INFINITY,
  ): Promise<Drops> {
    if (entries.length === 0) return [];
    const { schema, totals } = this.#shared;
    if (entries.some(({ reason }) => reason === 'unauthenticated')) {
      const kept = await this.#sums(session);
      const weight = (source: string): number => kept.get(source)?.weight ?? 0;
      if (exceedsUnauthenticated(entries, limit, weight)) throw unauthenticatedFull();
    }
    const text = (each: (entry: NewQuarantined) => string): string => joined(entries.map(each));
    const array = (at: number): string => `string_to_array($${at}::text, '${SEPARATOR}')`;
    await session.run(
      `INSERT INTO ${schema}.quarantine (source, delivery_id, received_at, reason, errors, delivery, raw)
       SELECT source, delivery_id, received_at, reason, errors, delivery, raw FROM unnest(${array(1)}, ${array(2)}, $3::bigint[],
         ${array(4)}, ${array(5)}, ${array(6)}, ${array(7)}) WITH ORDINALITY
         AS e (source, delivery_id, received_at, reason, errors, delivery, raw, n) ORDER BY n`,
      [
        text(({ source }) => source),
        text(({ deliveryId }) => deliveryId),
        `{${entries.map(({ receivedAt }) => receivedAt).join(',')}}`,
        text(({ reason }) => reason),
        text(({ errors }) => JSON.stringify(errors)),
        text(({ delivery }) => delivery),
        text(({ raw }) => raw),
      ],
    );
    await session.run(
      `INSERT INTO ${schema}.tally AS t VALUES ($1, $2, 0, 0, $3)
       ON CONFLICT (writer) DO UPDATE SET quarantined = t.quarantined + excluded.quarantined`,
      [totals.writer('other'), this.#shared.membership.id, entries.length],
    );
    const sums = new Map<string, { entries: number; weight: number }>();
    for (const entry of entries) {
      const sum = sums.get(entry.source) ?? { entries: 0, weight: 0 };
      sum.entries += 1;
      sum.weight += unauthenticatedWeight(entry);
      sums.set(entry.source, sum);
    }
    await this.#count(session, sums);
    return this.#dropExcess(session);
  }

  /** Drops a slice of what is too old. Resolves to whether there may be more. */
  async dropOld(): Promise<boolean> {
    const { database, schema } = this.#shared;
    const { keep } = this.#bounds ?? {};
    if (keep === undefined) return false;
    const drops = await database.transact(async (session) => {
      const removed = await this.remove(
        session,
        `id IN (SELECT id FROM ${schema}.quarantine
          WHERE received_at <= extract(epoch FROM clock_timestamp()) * 1000 - $1::bigint ORDER BY received_at LIMIT ${SLICE})`,
        [keep],
      );
      return [...removed].map(([name, events]) => ({ name, events, bound: 'keep' as const }));
    });
    this.report(drops);
    return drops.reduce((sum, { events }) => sum + events, 0) === SLICE;
  }

  /** Reports what was dropped, once that is committed. */
  report(drops: Drops): void {
    for (const { bound, events, name } of drops) {
      this.#shared.losses.note({ what: 'quarantine', name, bound }, events);
    }
  }

  /** The number of entries of all sources. */
  async count(session: Session): Promise<number> {
    let count = 0;
    for (const { entries } of (await this.#sums(session)).values()) count += entries;
    return count;
  }

  /** Removes entries inside a transaction of the caller. Resolves to how many each source had. */
  async remove(
    session: Session,
    condition: string,
    values: readonly unknown[],
  ): Promise<ReadonlyMap<string, number>> {
    const rows = await session.run(
      `DELETE FROM ${this.#shared.schema}.quarantine WHERE ${condition}
       RETURNING source, reason, octet_length(raw) + octet_length(delivery) AS bytes`,
      values,
    );
    const sums = new Map<string, { entries: number; weight: number }>();
    for (const row of rows) {
      const source = String(row['source']);
      const sum = sums.get(source) ?? { entries: 0, weight: 0 };
      sum.entries -= 1;
      sum.weight -= weightOf(String(row['reason']), Number(row['bytes']));
      sums.set(source, sum);
    }
    await this.#count(session, sums);
    return new Map([...sums].map(([source, { entries }]) => [source, -entries]));
  }

  async #dropExcess(session: Session): Promise<Drops> {
    const { max } = this.#bounds ?? {};
    if (max === undefined) return [];
    const sums = await this.#sums(session);
    const counts = new Map([...sums].map(([source, { entries }]) => [source, entries]));
    const excess = [...counts.values()].reduce((sum, count) => sum + count, 0) - max;
    if (excess <= 0) return [];
    const drops: { name: string; events: number; bound: 'max' }[] = [];
    for (const [source, share] of sharesOf(counts, excess)) {
      const removed = await this.remove(
        session,
        `id IN (SELECT id FROM ${this.#shared.schema}.quarantine WHERE source = $1 ORDER BY id LIMIT $2)`,
        [source, share],
      );
      drops.push({ name: source, events: sumOf(removed), bound: 'max' });
    }
    return drops;
  }

  async #sums(
    session: Session,
  ): Promise<ReadonlyMap<string, { readonly entries: number; readonly weight: number }>> {
    const rows = await session.run(
      `SELECT source, sum(entries) AS entries, sum(weight) AS weight FROM ${this.#shared.schema}.quarantine_tally GROUP BY source`,
    );
    return new Map(
      rows.map((row) => [
        String(row['source']),
        { entries: Number(row['entries']), weight: Number(row['weight']) },
      ]),
    );
  }

  async #count(
    session: Session,
    sums: ReadonlyMap<string, { readonly entries: number; readonly weight: number }>,
  ): Promise<void> {
    const { membership, schema, totals } = this.#shared;
    for (const source of [...sums.keys()].sort()) {
      const { entries = 0, weight = 0 } = sums.get(source) ?? {};
      await session.run(
        `INSERT INTO ${schema}.quarantine_tally AS t VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (writer, source) DO UPDATE SET entries = t.entries + excluded.entries, weight = t.weight + excluded.weight`,
        [totals.writer('other'), membership.id, source, entries, weight],
      );
    }
  }
}

export function missingEntry(): TrackbridgeError {
  return new TrackbridgeError('NOT_FOUND', 'The quarantine has no such entry; list the entries');
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** Returns the entry in a row of the table. */
export function quarantinedIn(row: Row): Quarantined {
  return {
    id: String(row['id']),
    source: String(row['source']),
    deliveryId: String(row['delivery_id']),
    receivedAt: Number(row['received_at']),
    reason: String(row['reason']),
    errors: JSON.parse(String(row['errors'])),
    delivery: String(row['delivery']),
    raw: String(row['raw']),
  };
}
