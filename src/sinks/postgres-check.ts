import type { ClientBase } from 'pg';
import { quoted, readColumns, type TableName, type TableShape } from './postgres-tables.js';
import { SinkError } from './sink.js';

/** Throws a SinkError that says what keeps events out of the database as a whole. */
export async function checkServer(client: ClientBase): Promise<void> {
  const { rows } = await client.query(
    `SELECT pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding`,
  );
  const { standby, encoding } = rows[0] ?? {};
  if (standby) throw wrong('the server is a standby and takes no writes; connect to the primary');
  // Any other encoding refuses most of Unicode, event by event.
  if (encoding !== 'UTF8')
    throw wrong(`the database has the encoding ${encoding}; it must be UTF8`);
}

/** Throws a SinkError that says what keeps events out of this table. Makes and changes nothing. */
export async function checkTable(
  client: ClientBase,
  name: TableName,
  shape: TableShape,
  create: boolean,
): Promise<void> {
  const text = `${name.schema}.${name.table}`;
  const columns = await readColumns(client, name);
  if (columns === undefined) {
    if (!create) throw wrong(`there is no table ${text}; create it, or set create: true`);
    return checkMayCreate(client, name);
  }
  const lacking = [...shape.columns.keys()].filter((column) => !columns.has(column));
  if (lacking.length > 0 && !create) {
    throw wrong(`${text} has no column ${lacking.join(', ')}; add it, or set create: true`);
  }
  const { rows } = await client.query(
    `SELECT has_table_privilege(c.oid, 'INSERT') AS may_insert, has_table_privilege(c.oid, 'SELECT') AS may_select,
        pg_has_role(c.relowner, 'USAGE') AS owns, EXISTS (
          SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attname = $2
        ) AS keyed
       FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [quoted(client, name), shape.key],
  );
  const { may_insert, may_select, owns, keyed } = rows[0] ?? {};
  // ON CONFLICT (key) reads the key.
  if (!may_insert || !may_select) throw wrong(`no right to INSERT and SELECT on ${text}; grant it`);
  if (!keyed) throw wrong(`${text} has no primary key or unique index on ${shape.key}; add it`);
  if (lacking.length > 0 && !owns) {
    throw wrong(`${text} has no column ${lacking.join(', ')}, and only its owner can add it`);
  }
}

async function checkMayCreate(client: ClientBase, { schema }: TableName): Promise<void> {
  const { rows } = await client.query(
    `SELECT CASE WHEN to_regnamespace($1) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege(to_regnamespace($1), 'CREATE') END AS may`,
    [client.escapeIdentifier(schema)],
  );
  if (!rows[0]?.may) throw wrong(`no right to create tables in the schema ${schema}; grant it`);
}

function wrong(message: string): SinkError {
  return new SinkError(message, { retryable: true });
}
