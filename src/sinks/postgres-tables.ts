import type { ClientBase } from 'pg';
import { SinkError } from './sink.js';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** What a table is made with: the columns by name with their SQL types, and which of them tells duplicates. */
export interface TableShape {
  readonly key: string;
  readonly columns: ReadonlyMap<string, string>;
}

/** Columns of a table by name, with PostgreSQL's name of their type (`format_type`). */
export type Columns = ReadonlyMap<string, string>;

/** PostgreSQL cuts identifiers here; names that come from events are ASCII, so bytes are characters. */
export const LONGEST_IDENTIFIER = 63;

/**
 * A table gets no more columns than this by itself. PostgreSQL takes 1,600, dropped ones included, and anybody who can send
 * events can make up names.
 */
const MOST_COLUMNS = 1_000;

/** The name for SQL. Quoted by the driver, so that no name can be anything but a name. */
export function quoted(client: ClientBase, { schema, table }: TableName): string {
  return `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)}`;
}

/** The tables as far as they are known; asked for once, and again after `forget`. */
export interface KnownTables {
  /**
   * The columns of a table. Where tables are made on request, one that is missing is made, and columns of `shape` that it
   * lacks are added; otherwise it is a SinkError where it is missing. Takes effect at once, outside of any transaction of
   * the caller: lanes that add columns wait for each other, and must not hold rows meanwhile.
   */
  columns(client: ClientBase, name: TableName, shape: TableShape): Promise<Columns>;
  /** A table is not what it was; somebody else changed it. */
  forget(): void;
}

export function createKnownTables(create: boolean): KnownTables {
  const known = new Map<string, Columns>();

  return {
    async columns(client, name, shape) {
      const id = quoted(client, name);
      let columns = known.get(id) ?? (await readColumns(client, name));
      if (columns === undefined && !create) throw missing(name);
      if (create && (columns === undefined || additionsTo(columns, shape).length > 0)) {
        columns = await alter(client, name, shape);
      }
      if (columns === undefined) throw missing(name);
      known.set(id, columns);
      return columns;
    },

    forget: () => known.clear(),
  };
}

/** The columns of `shape` that are missing and may be added. */
function additionsTo(columns: Columns, shape: TableShape): readonly string[] {
  const lacking = [...shape.columns.keys()].filter((column) => !columns.has(column));
  return lacking.slice(0, Math.max(0, MOST_COLUMNS - columns.size));
}

/** undefined where there is no such table. */
export async function readColumns(
  client: ClientBase,
  name: TableName,
): Promise<Columns | undefined> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [quoted(client, name)],
  );
  return rows.length === 0 ? undefined : new Map(rows.map(({ name, type }) => [name, type]));
}

/** In a transaction of its own, one at a time in a schema: IF NOT EXISTS fails where two sessions make the same. */
async function alter(
  client: ClientBase,
  name: TableName,
  shape: TableShape,
): Promise<Columns | undefined> {
  return inTransaction(client, async () => {
    const lock = `trackbridge ${name.schema}`;
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [lock]);
    const schema = client.escapeIdentifier(name.schema);
    // CREATE SCHEMA IF NOT EXISTS asks for the right to create one even where it exists.
    const found = await client.query('SELECT to_regnamespace($1) IS NOT NULL AS there', [schema]);
    if (!found.rows[0]?.there) await client.query(`CREATE SCHEMA ${schema}`);

    const table = quoted(client, name);
    let columns = await readColumns(client, name);
    const column = (each: string): string =>
      `${client.escapeIdentifier(each)} ${shape.columns.get(each)}`;
    if (columns === undefined) {
      const key = `PRIMARY KEY (${client.escapeIdentifier(shape.key)})`;
      const all = additionsTo(new Map(), shape).map(column);
      await client.query(`CREATE TABLE ${table} (${[...all, key].join(', ')})`);
    } else {
      const additions = additionsTo(columns, shape).map((each) => `ADD COLUMN ${column(each)}`);
      if (additions.length === 0) return columns;
      await client.query(`ALTER TABLE ${table} ${additions.join(', ')}`);
    }
    columns = await readColumns(client, name);
    return columns;
  });
}

/** Commits what `work` did, or undoes it and throws what it threw. */
export async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // Where the connection is gone, so is the transaction.
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

function missing({ schema, table }: TableName): SinkError {
  const what = `there is no table ${schema}.${table}`;
  return new SinkError(`${what}; create it, or set create: true`, { retryable: true });
}
