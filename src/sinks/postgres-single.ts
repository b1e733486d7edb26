import type { ClientBase } from 'pg';
import type { PostgresLayout } from './postgres-layout.js';
import { type KnownTables, quoted, type TableName, type TableShape } from './postgres-tables.js';
import { storableJson, storableText, storableTime } from './postgres-text.js';
import type { SinkEvent } from './sink.js';

/** The columns of the contract, section 6. The key is the messageId, which tells duplicates. */
const SINGLE_TABLE: TableShape = {
  key: 'message_id',
  columns: new Map([
    ['message_id', 'text'],
    ['type', 'text'],
    ['event', 'text'],
    ['user_id', 'text'],
    ['anonymous_id', 'text'],
    ['timestamp', 'timestamptz'],
    ['received_at', 'timestamptz'],
    ['payload', 'jsonb'],
  ]),
};

type Row = readonly (string | null)[];

/** One row an event: the whole event as JSONB, and the columns that most queries begin with. */
export function createSingleLayout(
  nameOf: (event: SinkEvent) => TableName,
  tables: KnownTables,
): PostgresLayout {
  return {
    shape: SINGLE_TABLE,

    async deliver(client, batch) {
      const byTable = new Map<string, { name: TableName; rows: Row[] }>();
      for (const event of batch) {
        const name = nameOf(event);
        const id = quoted(client, name);
        const entry = byTable.get(id) ?? { name, rows: [] };
        entry.rows.push(rowOf(event));
        byTable.set(id, entry);
      }
      for (const { name, rows } of byTable.values()) {
        await tables.columns(client, name, SINGLE_TABLE);
        await insert(client, name, rows);
      }
    },
  };
}

/** One statement however many rows there are, since unnest takes each column as one array. */
async function insert(client: ClientBase, name: TableName, rows: readonly Row[]): Promise<void> {
  const columns = [...SINGLE_TABLE.columns];
  const names = columns.map(([column]) => client.escapeIdentifier(column));
  const arrays = columns.map(([, type], index) => `$${index + 1}::${type}[]`);
  await client.query(
    `INSERT INTO ${quoted(client, name)} (${names.join(', ')}) SELECT * FROM unnest(${arrays.join(', ')})
      ON CONFLICT (${client.escapeIdentifier(SINGLE_TABLE.key)}) DO NOTHING`,
    columns.map((_, index) => rows.map((row) => row[index])),
  );
}

function rowOf({ messageId, event, json }: SinkEvent): Row {
  return [
    storableText(messageId),
    storableText(event.type),
    textOf(event['event']),
    textOf(event['userId']),
    textOf(event['anonymousId']),
    storableTime(event.timestamp),
    storableTime(event.receivedAt),
    storableJson(json),
  ];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? storableText(value) : null;
}
