import type { ClientBase } from 'pg';
import type { PostgresLayout } from './postgres-layout.js';
import { createColumnNames } from './postgres-names.js';
import { fixedColumns, type Row, rowsOf } from './postgres-rows.js';
import {
  type Columns,
  inTransaction,
  type KnownTables,
  quoted,
  type TableName,
  type TableShape,
} from './postgres-tables.js';
import { storableJson } from './postgres-text.js';
import { columnTypeOf, fitted } from './postgres-values.js';
import type { SinkEvent } from './sink.js';

const KEY = 'id';
/** Columns that say when a row was written. */
const WRITTEN_AT = ['uuid_ts', 'loaded_at'];
const OTHER = 'other_values';

type Record = { readonly [column: string]: unknown };

/**
 * The tables that Segment and RudderStack write to a warehouse. `schemaOf` says in which schema an event's tables are; the
 * vendors have one for each source.
 */
export function createWarehouseLayout(
  schemaOf: (event: SinkEvent) => string,
  tables: KnownTables,
): PostgresLayout {
  const names = createColumnNames();
  return {
    table: 'tracks',
    shape: { key: KEY, columns: new Map([[KEY, 'text']]) },

    async deliver(client, batch) {
      const byTable = new Map<string, { name: TableName; rows: Row[] }>();
      for (const event of batch) {
        const schema = schemaOf(event);
        for (const row of rowsOf(event.event, names)) {
          const name = { schema, table: row.table };
          const id = quoted(client, name);
          const entry = byTable.get(id) ?? { name, rows: [] };
          entry.rows.push(row);
          byTable.set(id, entry);
        }
      }
      // In the same order in every lane, so that no two wait for each other.
      const sorted = [...byTable].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
      const writes: (() => Promise<void>)[] = [];
      for (const { name, rows } of sorted) {
        const columns = await tables.columns(client, name, shapeOf(name.table, rows));
        const records = rows.map((row) => recordOf(row, columns));
        writes.push(() =>
          name.table === 'users'
            ? upsert(client, name, columns, merged(records))
            : insert(client, name, columns, records),
        );
      }
      // Together or not at all: a track is never in tracks and missing from its own table.
      await inTransaction(client, async () => {
        for (const write of writes) await write();
      });
    },
  };
}

/** What the table has to have for these rows. Of values of different types the first one decides. */
function shapeOf(table: string, rows: readonly Row[]): TableShape {
  const columns = new Map(fixedColumns(table));
  for (const { values } of rows) {
    for (const [column, value] of values) {
      if (!columns.has(column)) columns.set(column, columnTypeOf(value));
    }
  }
  return { key: KEY, columns };
}

/** What goes into which column; what fits into none goes into `other_values`. */
function recordOf({ values, other }: Row, columns: Columns): Record {
  const record: { [column: string]: unknown } = {};
  const rest: { [column: string]: unknown } = { ...other };
  for (const [column, value] of values) {
    const type = columns.get(column);
    const fits = type === undefined ? undefined : fitted(value, type);
    if (fits === undefined) rest[column] = value;
    else record[column] = fits;
  }
  if (columns.has(OTHER) && Object.keys(rest).length > 0) record[OTHER] = rest;
  return record;
}

/** One record a user, since a statement may update a row once only; the latest value of each column. */
function merged(records: readonly Record[]): readonly Record[] {
  const byUser = new Map<unknown, Record>();
  for (const record of records) {
    const before = byUser.get(record[KEY]);
    const late = before !== undefined && isOlder(record, before);
    byUser.set(record[KEY], late ? { ...record, ...before } : { ...before, ...record });
  }
  return [...byUser.values()];
}

function isOlder(a: Record, b: Record): boolean {
  const [first, second] = [a['received_at'], b['received_at']];
  return typeof first === 'string' && typeof second === 'string' && first < second;
}

async function insert(
  client: ClientBase,
  name: TableName,
  columns: Columns,
  records: readonly Record[],
): Promise<void> {
  const { text } = insertion(client, name, columns, records);
  await client.query(`${text} ON CONFLICT (${KEY}) DO NOTHING`, [documentOf(records)]);
}

/** The latest traits win, and a trait that is not said again stays; an older event only fills in what is missing. */
async function upsert(
  client: ClientBase,
  name: TableName,
  columns: Columns,
  records: readonly Record[],
): Promise<void> {
  const { text, written } = insertion(client, name, columns, records);
  const updates = written
    .filter((column) => column !== KEY)
    .map((column) => {
      const id = client.escapeIdentifier(column);
      return `${id} = CASE WHEN excluded.received_at < old.received_at
        THEN coalesce(old.${id}, excluded.${id}) ELSE coalesce(excluded.${id}, old.${id}) END`;
    });
  await client.query(`${text} ON CONFLICT (${KEY}) DO UPDATE SET ${updates.join(', ')}`, [
    documentOf(records),
  ]);
}

/** PostgreSQL reads each value as its column's type, however wide the table is and whatever the rows have. */
function insertion(
  client: ClientBase,
  name: TableName,
  columns: Columns,
  records: readonly Record[],
): { text: string; written: readonly string[] } {
  const table = quoted(client, name);
  const used = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const stamps = WRITTEN_AT.filter((column) => columns.has(column) && !used.includes(column));
  const ids = (all: readonly string[]): string[] =>
    all.map((column) => client.escapeIdentifier(column));
  const written = [...used, ...stamps];
  const values = [...ids(used).map((id) => `row.${id}`), ...stamps.map(() => 'now()')];
  const text = `INSERT INTO ${table} AS old (${ids(written).join(', ')}) SELECT ${values.join(', ')}
    FROM json_populate_recordset(NULL::${table}, $1::json) AS row`;
  return { text, written };
}

function documentOf(records: readonly Record[]): string {
  return storableJson(JSON.stringify(records));
}
