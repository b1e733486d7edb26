import type { Vendor } from '../../../event/event.js';

/** Columns that every table of the warehouse layout has. */
const COMMON: readonly (readonly [string, string])[] = [
  ['id', 'text'],
  // Distinguishes events with the same messageId, which the vendors' tables cannot: see insert.ts.
  ['dedupe_key', 'text'],
  ['received_at', 'timestamptz'],
  // When the row was written. The vendors' queries for new rows use it.
  ['uuid_ts', 'timestamptz'],
  // Values without a column: their name is in use, the column has another type, or the limit of columns is reached.
  ['other_values', 'jsonb'],
];
const OF_EVENTS: typeof COMMON = [
  ['anonymous_id', 'text'],
  ['user_id', 'text'],
  ['sent_at', 'timestamptz'],
  ['timestamp', 'timestamptz'],
  ['original_timestamp', 'timestamptz'],
];
const OF_TRACKS: typeof COMMON = [
  ['event', 'text'],
  ['event_text', 'text'],
];
const OWN: Readonly<Record<string, typeof COMMON>> = {
  users: [],
  identifies: OF_EVENTS,
  pages: [...OF_EVENTS, ['name', 'text'], ['category', 'text']],
  screens: [...OF_EVENTS, ['name', 'text'], ['category', 'text']],
  groups: [...OF_EVENTS, ['group_id', 'text']],
  aliases: [...OF_EVENTS, ['previous_id', 'text']],
};

const FIXED: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  Object.entries(OWN).map(([table, own]) => [table, new Map([...COMMON, ...own])]),
);
const FIXED_OF_TRACKS: ReadonlyMap<string, string> = new Map([
  ...COMMON,
  ...OF_EVENTS,
  ...OF_TRACKS,
]);

/** The vendors' tables for types of events. All others are named after what an event contains. */
export const FIXED_TABLES: readonly string[] = ['tracks', ...Object.keys(OWN)];

/** Returns the columns that a table of the warehouse layout has from the start, with their SQL types. */
export function fixedColumns(table: string): ReadonlyMap<string, string> {
  return FIXED.get(table) ?? FIXED_OF_TRACKS;
}

/**
 * Columns that no property may take. Some tables of some vendors lack them, and RudderStack sets some only if the event
 * has a value, but a query that reads one expects what the vendor writes there.
 */
const RESERVED: Readonly<Record<Vendor, ReadonlySet<string>>> = {
  segment: new Set(OF_EVENTS.map(([column]) => column)),
  rudderstack: new Set([
    ...OF_EVENTS.map(([column]) => column),
    ...['channel', 'context_ip', 'context_request_ip', 'context_passed_ip'],
  ]),
};

/** Whether a column of a table is not for properties, traits and context of a vendor's events. */
export function isReserved(table: string, column: string, vendor: Vendor): boolean {
  return fixedColumns(table).has(column) || RESERVED[vendor].has(column);
}

/**
 * Whether a column describes how an event was sent, not what happened. Such values change with every release of an SDK,
 * so a table without a column for one must not cost the event.
 */
export function isAside(table: string, column: string): boolean {
  return fixedColumns(table).has(column) || column.startsWith(CONTEXT);
}

/** What the names of columns begin with whose values come from `context`. */
export const CONTEXT = 'context_';
