import type { ClientBase } from 'pg';
import { type Columns, nameOf, quoted, type TableName, type TableShape } from './tables.js';

/** A table's current state, and what the user may do with it. */
export interface TableState {
  readonly columns: Columns;
  /** The most characters of columns of a bounded length, such as `varchar(20)`. */
  readonly lengths: ReadonlyMap<string, number>;
  /** Columns that it has had, including dropped ones, which PostgreSQL counts too. */
  readonly slots: number;
  /** Whether a primary key or unique index on the key alone detects duplicates. */
  readonly keyed: boolean;
  /** INSERT and SELECT: ON CONFLICT reads the key. */
  readonly mayWrite: boolean;
  readonly mayUpdate: boolean;
  readonly mayDelete: boolean;
  /** Whether the user may add columns. */
  readonly owned: boolean;
  /** The role that may. */
  readonly owner: string;
}

const STATES = `SELECT wanted.name, (
    SELECT json_object_agg(attname, format_type(atttypid, NULL) ORDER BY attnum) FROM pg_attribute
     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns, (
    SELECT json_object_agg(attname, atttypmod - 4) FROM pg_attribute
     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND atttypmod > 4
       AND atttypid IN ('varchar'::regtype, 'bpchar'::regtype)) AS lengths, (
    SELECT max(attnum) FROM pg_attribute WHERE attrelid = c.oid) AS slots, EXISTS (
    SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attname = $2) AS keyed,
    has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'SELECT') AS "mayWrite",
    has_table_privilege(c.oid, 'UPDATE') AS "mayUpdate", has_table_privilege(c.oid, 'DELETE') AS "mayDelete",
    pg_has_role(c.relowner, 'USAGE') AS owned, pg_get_userbyid(c.relowner) AS owner
  FROM unnest($1::text[]) AS wanted(name) JOIN pg_class c ON c.oid = to_regclass(wanted.name)`;

type Row = Omit<TableState, 'columns' | 'lengths'> & {
  readonly name: string;
  readonly columns: Readonly<Record<string, string>> | null;
  readonly lengths: Readonly<Record<string, number>> | null;
};

/**
 * Returns the existing tables of these names, by their quoted names. `key`: the column that should detect duplicates.
 */
export async function readTables(
  client: ClientBase,
  names: readonly TableName[],
  key: string,
): Promise<ReadonlyMap<string, TableState>> {
  const ids = names.map((name) => quoted(client, name));
  const { rows } = await client.query<Row>(STATES, [ids, key]);
  return new Map(
    rows.map(({ name, columns, lengths, ...state }) => [
      name,
      {
        ...state,
        columns: new Map(Object.entries(columns ?? {})),
        lengths: new Map(Object.entries(lengths ?? {})),
      },
    ]),
  );
}

/** Says what keeps rows of this shape out of a table and what to do; undefined if nothing does. */
export function problemOf(
  name: TableName,
  { columns, keyed, mayUpdate, mayWrite }: TableState,
  { key, mayLackKey, required }: TableShape,
  updates: boolean,
): string | undefined {
  const text = nameOf(name);
  const lacking = required.filter((column) => !columns.has(column));
  if (lacking.length > 0) {
    return `${text} has no column ${lacking.join(', ')}; add it, or set create: true`;
  }
  if (!mayWrite) return `no right to INSERT and SELECT on ${text}; grant it`;
  if (updates && !mayUpdate) return `no right to UPDATE on ${text}; grant it`;
  if (!keyed && !mayLackKey) return `${text} has no primary key or unique index on ${key}; add it`;
  return undefined;
}
