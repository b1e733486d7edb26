import type { SinkOptions } from '../../config/config.js';
import { formatTimestamp, readTimestamp } from '../../event/timestamp/timestamp.js';
import { idText } from '../kit/id-text.js';
import type { SinkEvent } from '../sink.js';

export type ClickHouseTable = Pick<SinkOptions['clickhouse'], 'database' | 'table'>;

const COLUMNS = [
  ['dedupe_key', 'String'],
  ['message_id', 'String'],
  ['type', 'LowCardinality(String)'],
  ['event', 'String'],
  ['user_id', 'String'],
  ['anonymous_id', 'String'],
  ['timestamp', "DateTime64(3, 'UTC')"],
  ['received_at', "DateTime64(3, 'UTC')"],
  ['payload', 'String'],
] as const;

/** The range of DateTime64(3). ClickHouse would store a different time for one outside it. */
const FIRST = Date.UTC(1900, 0);
const BEYOND = Date.UTC(2300, 0);

/**
 * Creates the table. A redelivered batch is recognized by its token (`non_replicated_deduplication_window`; replicated
 * tables remember tokens anyway). Events redelivered in another batch are recognized by the sorting key when parts are
 * merged.
 */
export function createStatement({ table }: ClickHouseTable): string {
  const columns = COLUMNS.map(([name, type]) => `${quoted(name)} ${type}`).join(', ');
  return (
    `CREATE TABLE IF NOT EXISTS ${quoted(table)} (${columns}) ENGINE = ReplacingMergeTree ` +
    'ORDER BY (type, event, toDate(timestamp), message_id, dedupe_key) SETTINGS non_replicated_deduplication_window = 1000'
  );
}

/**
 * The rows follow in the body. The statement names its columns, so that a table without one of them is an error and no
 * value is lost.
 */
export function insertStatement({ table }: ClickHouseTable): string {
  const columns = COLUMNS.map(([name]) => quoted(name)).join(', ');
  return `INSERT INTO ${quoted(table)} (${columns}) FORMAT JSONEachRow`;
}

/**
 * Returns one row as JSON. A field that the event lacks is omitted and gets the column's default: '' or, if nullable,
 * NULL.
 */
export function rowOf({ dedupeKey, event, json }: SinkEvent): string {
  return JSON.stringify({
    dedupe_key: idText(dedupeKey),
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

/** An unpaired surrogate has no UTF-8 form and ClickHouse rejects its escape. In the payload the escape is kept. */
function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return /[\ud800-\udfff]/.test(value) ? Buffer.from(value).toString() : value;
}

function time(value: unknown): string | undefined {
  const at = typeof value === 'string' ? readTimestamp(value) : undefined;
  return at !== undefined && at >= FIRST && at < BEYOND ? formatTimestamp(at) : undefined;
}

/** The schema allows only letters, digits and underscores. */
function quoted(name: string): string {
  return `\`${name}\``;
}
