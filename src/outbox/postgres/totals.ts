import { randomUUID } from 'node:crypto';
import type { Database, Row, Session } from './connection/database.js';

/** What became of the events of a sink, over all members. */
export interface SinkTotals {
  delivered: number;
  filtered: number;
  discarded: number;
  /** Became dead letters. */
  died: number;
  /** Passed the retention while the sink was not configured. */
  missed: number;
  requeued: number;
  /** Dead letters now. */
  letters: number;
}

type SinkCount = keyof SinkTotals;
const COUNTS: readonly SinkCount[] = [
  'delivered',
  'filtered',
  'discarded',
  'died',
  'missed',
  'requeued',
  'letters',
];

interface Sums {
  accepted: number;
  duplicates: number;
  quarantined: number;
  readonly sinks: Map<number, SinkTotals>;
}

/** The kinds of transactions that count, each with rows of its own, so that they do not wait for each other. */
export type WriterKind = 'first' | 'second' | 'settle' | 'other';

/**
 * The counters of the store: what this process has counted itself, exactly, and what the others had counted when they
 * were last read.
 */
export class Totals {
  readonly #database: Database;
  readonly #schema: string;
  #writers = newWriters();
  #own = noSums();
  #others = noSums();
  #isStale = true;

  constructor(database: Database, schema: string) {
    this.#database = database;
    this.#schema = schema;
  }

  writer(kind: WriterKind): string {
    return this.#writers[kind];
  }

  /**
   * The outcome of a write is unknown: what is counted under the last writers counts from now on as others', once it
   * is read.
   */
  renew(): void {
    this.#writers = newWriters();
    this.#own = noSums();
    this.#isStale = true;
  }

  /** Reads what others have counted, if this process does not know it. */
  async ensure(): Promise<void> {
    if (this.#isStale) await this.refresh();
  }

  async refresh(): Promise<void> {
    const writers = this.#writers;
    const others = await readSums(this.#database, this.#schema, Object.values(writers));
    if (writers !== this.#writers) return;
    this.#others = others;
    this.#isStale = false;
  }

  accepted(events: number, duplicates: number, quarantined = 0): void {
    this.#own.accepted += events;
    this.#own.duplicates += duplicates;
    this.#own.quarantined += quarantined;
  }

  counted(sink: number, what: Partial<SinkTotals>): void {
    const totals = totalsIn(this.#own, sink);
    for (const count of COUNTS) totals[count] += what[count] ?? 0;
  }

  /** The number of events pending for a sink, approximately if other members run. */
  pending({ id, baseline }: { readonly id: number; readonly baseline: number }): number {
    const accepted = this.#own.accepted + this.#others.accepted;
    let pending = accepted - baseline;
    for (const sums of [this.#own, this.#others]) {
      const sink = sums.sinks.get(id);
      if (sink === undefined) continue;
      pending += sink.requeued - sink.delivered - sink.filtered;
      pending -= sink.discarded + sink.died + sink.missed;
    }
    return Math.max(0, pending);
  }
}

/** Reads the counters, except those of these writers. */
export async function readSums(
  session: Session,
  schema: string,
  except: readonly string[] = [],
): Promise<Sums> {
  const sums = noSums();
  const sinkSums = COUNTS.map((count) => `sum(${count}) AS ${count}`).join(', ');
  const rows = await session.run(
    `SELECT NULL::integer AS sink, sum(accepted) AS accepted, sum(duplicates) AS duplicates, sum(quarantined) AS quarantined,
        ${COUNTS.map((count) => `0 AS ${count}`).join(', ')}
       FROM ${schema}.tally WHERE writer <> ALL($1::uuid[])
     UNION ALL SELECT sink, 0, 0, 0, ${sinkSums} FROM ${schema}.sink_tally WHERE writer <> ALL($1::uuid[]) GROUP BY sink`,
    [except],
  );
  for (const row of rows) {
    if (row['sink'] === null) {
      sums.accepted = Number(row['accepted'] ?? 0);
      sums.duplicates = Number(row['duplicates'] ?? 0);
      sums.quarantined = Number(row['quarantined'] ?? 0);
    } else {
      sums.sinks.set(Number(row['sink']), totalsOf(row));
    }
  }
  return sums;
}

/** Adds to the counters of a sink, inside a transaction of the caller. */
export async function countSink(
  session: Session,
  schema: string,
  writer: string,
  member: string,
  sink: number,
  what: Partial<SinkTotals>,
): Promise<void> {
  await session.run(countSinksText(schema), [
    writer,
    member,
    `{${sink}}`,
    ...COUNTS.map((count) => `{${what[count] ?? 0}}`),
  ]);
}

/** The statement that adds to the counters of several sinks: writer, member, sinks, then one array a counter. */
export function countSinksText(schema: string, from = 1): string {
  const at = (offset: number): string => `$${from + offset}`;
  const arrays = COUNTS.map((_, index) => `${at(index + 3)}::bigint[]`);
  return `INSERT INTO ${schema}.sink_tally AS t (writer, member, sink, ${COUNTS.join(', ')})
    SELECT ${at(0)}::uuid, ${at(1)}::uuid, s.* FROM unnest(${at(2)}::integer[], ${arrays.join(', ')}) AS s ORDER BY 3
    ON CONFLICT (writer, sink) DO UPDATE SET ${COUNTS.map((count) => `${count} = t.${count} + excluded.${count}`).join(', ')}`;
}

/** The values of `countSinksText` for these sinks. */
export function countSinksValues(
  counts: ReadonlyMap<number, Partial<SinkTotals>>,
): readonly string[] {
  const array = (values: readonly number[]): string => `{${values.join(',')}}`;
  const all = [...counts];
  return [
    array(all.map(([sink]) => sink)),
    ...COUNTS.map((count) => array(all.map(([, what]) => what[count] ?? 0))),
  ];
}

function totalsOf(row: Row): SinkTotals {
  const totals = noTotals();
  for (const count of COUNTS) totals[count] = Number(row[count] ?? 0);
  return totals;
}

function totalsIn(sums: Sums, sink: number): SinkTotals {
  const known = sums.sinks.get(sink) ?? noTotals();
  sums.sinks.set(sink, known);
  return known;
}

export function noTotals(): SinkTotals {
  const zero = { delivered: 0, filtered: 0, discarded: 0 };
  return { ...zero, died: 0, missed: 0, requeued: 0, letters: 0 };
}

function noSums(): Sums {
  return { accepted: 0, duplicates: 0, quarantined: 0, sinks: new Map() };
}

function newWriters(): Readonly<Record<WriterKind, string>> {
  return {
    first: randomUUID(),
    second: randomUUID(),
    settle: randomUUID(),
    other: randomUUID(),
  };
}
