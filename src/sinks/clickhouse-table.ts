import type { SinkEvent } from './sink.js';

export interface ClickHouseTable {
  readonly database: string;
  readonly table: string;
}

const COLUMNS = [
  ['message_id', 'String'],
  ['type', 'LowCardinality(String)'],
  ['event', 'String'],
  ['user_id', 'String'],
  ['anonymous_id', 'String'],
  ['timestamp', "DateTime64(3, 'UTC')"],
  ['received_at', "DateTime64(3, 'UTC')"],
  ['payload', 'String'],
] as const;

/** What DateTime64(3) holds; ClickHouse would store another time for one beyond. */
const FIRST = Date.UTC(1900, 0);
const BEYOND = Date.UTC(2300, 0);

/**
 * Makes the table. Of a batch that comes again its token tells (`non_replicated_deduplication_window`; replicated tables
 * remember tokens anyway); of events that come again in another batch the sorting key, when parts are merged.
 */
export function createStatement({ table }: ClickHouseTable): string {
  const columns = COLUMNS.map(([name, type]) => `${quoted(name)} ${type}`).join(', ');
  return (
    `CREATE TABLE IF NOT EXISTS ${quoted(table)} (${columns}) ENGINE = ReplacingMergeTree ` +
    'ORDER BY (type, event, toDate(timestamp), message_id) SETTINGS non_replicated_deduplication_window = 1000'
  );
}

/** The rows follow in the body. Names its columns, so that a table which lacks one is an error and loses nothing. */
export function insertStatement({ table }: ClickHouseTable): string {
  const columns = COLUMNS.map(([name]) => quoted(name)).join(', ');
  return `INSERT INTO ${quoted(table)} (${columns}) FORMAT JSONEachRow`;
}

/** One row as JSON. What an event lacks is left out, which is the column's default: '' or, where it may be, NULL. */
export function rowOf({ event, json }: SinkEvent): string {
  return JSON.stringify({
    message_id: text(event.messageId),
    type: text(event.type),
    event: text(event['event'] ?? event['name']),
    user_id: text(event['userId']),
    anonymous_id: text(event['anonymousId']),
    timestamp: time(event.timestamp),
    received_at: time(event.receivedAt),
    payload: json,
  });
}

/** Half of a surrogate pair has no UTF-8, and ClickHouse refuses its escape; in the payload the escape stays. */
function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return /[\ud800-\udfff]/.test(value) ? Buffer.from(value).toString() : value;
}

function time(value: unknown): string | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return at >= FIRST && at < BEYOND ? new Date(at).toISOString() : undefined;
}

/** The schema lets only letters, digits and underscores in. */
function quoted(name: string): string {
  return `\`${name}\``;
}
