import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { ask } from '../file/ask.js';

/**
 * The content of a store. It is counted row by row, unlike the store's own counters, so it is slow for a large store.
 */
export interface StoreContent {
  readonly schemaVersion: number;
  /** Accepted, duplicate and quarantined events over the lifetime of the store. */
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  /** The newest position assigned. */
  readonly lastPosition: number;
  /** Stored events: pending ones, and those delivered within the retention. */
  readonly events: number;
  readonly inQuarantine: number;
  readonly deadLetters: number;
  readonly sinks: readonly SinkContent[];
}

interface SinkContent {
  readonly name: string;
  /** Whether the sink was configured when the store was last open. */
  readonly configured: boolean;
  readonly pending: number;
  /** When the oldest pending event arrived, in milliseconds since the epoch. */
  readonly oldestReceivedAt?: number;
  readonly delivered: number;
  readonly deadLetters: number;
}

/** The open events of a sink `s`. */
const OPEN =
  'event e WHERE e.position > s.position AND (e.only_sink IS NULL OR e.only_sink = s.id)' +
  ' AND NOT EXISTS (SELECT 1 FROM settled x WHERE x.sink = s.id AND x.position = e.position)';

const SINKS = `
  SELECT json_group_array(json_object(
    'name', s.name, 'configured', s.active, 'delivered', s.delivered,
    'pending', (SELECT count(*) FROM ${OPEN}), 'countedPending', s.pending,
    'oldestReceivedAt', (SELECT received_at FROM ${OPEN} ORDER BY e.position LIMIT 1),
    'deadLetters', (SELECT count(*) FROM dead_letter d WHERE d.sink = s.id), 'countedDeadLetters', s.dead
  )) FROM sink s`;

/**
 * Every sink has settled everything up to this position. Positions after it have no gaps: only events before it are
 * deleted.
 */
const SETTLED = '(SELECT coalesce(min(position), ledger.tail) FROM sink)';

/** The number of missing events among those that not every sink has settled. */
const MISSING = `(tail - ${SETTLED} - (SELECT count(*) FROM event WHERE position > ${SETTLED}))`;

/**
 * Counts the missing events among those that not every sink has settled. Reads as many entries as there are such
 * events.
 */
export function countMissing(database: DatabaseSyncInstance): number {
  return Number(ask(database, `SELECT ${MISSING} FROM ledger`));
}

const TOTALS = `
  SELECT json_object(
    'schemaVersion', (SELECT user_version FROM pragma_user_version),
    'accepted', accepted, 'duplicates', duplicates, 'quarantined', quarantined, 'lastPosition', tail,
    'events', (SELECT count(*) FROM event), 'newest', (SELECT coalesce(max(position), 0) FROM event),
    'missing', ${MISSING},
    'inQuarantine', (SELECT count(*) FROM quarantine), 'countedInQuarantine', in_quarantine,
    'deadLetters', (SELECT count(*) FROM dead_letter),
    'orphans', (SELECT count(*) FROM dead_letter WHERE sink NOT IN (SELECT id FROM sink))
  ) FROM ledger`;

interface SinkRow extends Omit<SinkContent, 'configured' | 'oldestReceivedAt'> {
  readonly configured: 0 | 1;
  readonly oldestReceivedAt: number | null;
  readonly countedPending: number;
  readonly countedDeadLetters: number;
}

interface Totals extends Omit<StoreContent, 'sinks'> {
  readonly newest: number;
  readonly missing: number;
  readonly countedInQuarantine: number;
  readonly orphans: number;
}

/**
 * Reads the content of a store and compares its counters with its rows. `problems` describes mismatches and missing
 * events. Throws SQLite's error if the store cannot be read.
 */
export function readContent(database: DatabaseSyncInstance): {
  readonly content: StoreContent;
  readonly problems: readonly string[];
} {
  const totals = read<Totals>(database, TOTALS);
  const rows = read<SinkRow[]>(database, SINKS);
  const { schemaVersion, accepted, duplicates, quarantined, lastPosition } = totals;
  const { events, inQuarantine, deadLetters } = totals;
  const sinks = rows.map(({ name, configured, pending, oldestReceivedAt, delivered, ...row }) => ({
    name,
    configured: configured === 1,
    pending,
    ...(oldestReceivedAt === null ? {} : { oldestReceivedAt }),
    delivered,
    deadLetters: row.deadLetters,
  }));
  return {
    content: {
      schemaVersion,
      accepted,
      duplicates,
      quarantined,
      lastPosition,
      events,
      inQuarantine,
      deadLetters,
      sinks,
    },
    problems: [...lossesOf(totals), ...miscountsOf(totals, rows)],
  };
}

function lossesOf({ missing, newest, lastPosition, orphans }: Totals): string[] {
  return [
    ...(missing > 0 ? [`missing events that were not delivered to every sink: ${missing}`] : []),
    ...(newest > lastPosition ? [`events after the last position, ${lastPosition}`] : []),
    ...(orphans > 0 ? [`dead letters of an unknown sink: ${orphans}`] : []),
  ];
}

function miscountsOf(totals: Totals, sinks: readonly SinkRow[]): string[] {
  const counts: readonly (readonly [string, number, number])[] = [
    ['quarantine', totals.countedInQuarantine, totals.inQuarantine],
    ...sinks.flatMap((sink) => [
      [`pending of ${sink.name}`, sink.countedPending, sink.pending] as const,
      [`dead letters of ${sink.name}`, sink.countedDeadLetters, sink.deadLetters] as const,
    ]),
  ];
  return counts
    .filter(([, counted, there]) => counted !== there)
    .map(
      ([what, counted, there]) => `${what}: the counter says ${counted}, but there are ${there}`,
    );
}

function read<T>(database: DatabaseSyncInstance, query: string): T {
  return JSON.parse(String(ask(database, query))) as T;
}
