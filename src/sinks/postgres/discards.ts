import type { ClientBase } from 'pg';
import { documentOf, KEY, selection, takeTurn } from './insert.js';
import type { TableState } from './inspect.js';
import type { TableNeed } from './known-tables.js';
import type { TableRecord, Unplaced } from './record.js';
import { quoted, type TableName, type TableShape } from './tables.js';

/** RudderStack's table of the values that no column could hold. */
const DISCARDS = 'rudder_discards';

const COLUMNS: ReadonlyMap<string, string> = new Map([
  ['table_name', 'text'],
  ['row_id', 'text'],
  ['column_name', 'text'],
  ['column_value', 'text'],
  ['reason', 'text'],
  ['received_at', 'timestamptz'],
  ['uuid_ts', 'timestamptz'],
]);

const SHAPE: TableShape = {
  key: 'row_id',
  mayLackKey: true,
  fixed: COLUMNS,
  more: new Map(),
  required: ['table_name', 'row_id', 'column_name', 'column_value'],
  marks: [['column_name'], ['column_value']],
};

/** What is needed of `rudder_discards` in a schema. `isOptional`: it is used if it exists, and never created. */
export function discardsOf(schema: string, isOptional: boolean): TableNeed {
  const name = { schema, table: DISCARDS };
  return { name, shape: SHAPE, chosen: false, updates: false, isOptional };
}

/** A row, and its values that no column can hold. */
export interface Discarded {
  readonly record: TableRecord;
  readonly unplaced: readonly Unplaced[];
}

/** Adds the values of a table's rows, each once however often an event is delivered. Call it inside a transaction. */
export async function insertDiscards(
  client: ClientBase,
  name: TableName,
  { columns }: TableState,
  table: string,
  rows: readonly Discarded[],
): Promise<void> {
  const records = rows.flatMap(({ record, unplaced }) =>
    unplaced.map(({ column, reason, value }) => ({
      table_name: table,
      row_id: record[KEY],
      column_name: column,
      column_value: typeof value === 'string' ? value : JSON.stringify(value),
      ...(columns.has('reason') && { reason }),
      ...(columns.has('received_at') && { received_at: record['received_at'] }),
    })),
  );
  if (records.length === 0) return;
  await takeTurn(client, name);
  const { select, written } = selection(client, name, columns, records);
  await client.query(
    `INSERT INTO ${quoted(client, name)} (${written.join(', ')}) ${select}
      WHERE NOT EXISTS (SELECT FROM ${quoted(client, name)} AS known
        WHERE known.row_id = row.row_id AND known.table_name = row.table_name AND known.column_name = row.column_name)`,
    [documentOf(records)],
  );
}
