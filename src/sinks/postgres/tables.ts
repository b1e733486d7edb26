import type { ClientBase } from 'pg';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** How a table is created, and how an existing one is recognized as the sink's own. */
export interface TableShape {
  /** The column that detects duplicates. */
  readonly key: string;
  /** Whether an existing table may lack a unique index on the key, as RudderStack's do. */
  readonly mayLackKey: boolean;
  /** The column that detected duplicates in an earlier version. */
  readonly former?: string;
  /** Columns that every table of the layout has, by name with their SQL types. */
  readonly fixed: ReadonlyMap<string, string>;
  /** Columns that these events add, as far as `maxColumns` allows. */
  readonly more: ReadonlyMap<string, string>;
  /** A table without these columns cannot be written to. */
  readonly required: readonly string[];
  /** The column to index besides the key. */
  readonly index?: string;
  /**
   * A table that senders name must have one column of each list. An event must not be written into an unrelated table
   * only because the names match.
   */
  readonly marks: readonly (readonly string[])[];
}

/** Columns of a table by name, with PostgreSQL's name of their type (`format_type`). */
export type Columns = ReadonlyMap<string, string>;

/** PostgreSQL truncates identifiers at this length. Names that come from events are ASCII, so bytes are characters. */
export const LONGEST_IDENTIFIER = 63;

/** The quoted name for SQL. The driver quotes it, so that no name can inject SQL. */
export function quoted(client: ClientBase, { schema, table }: TableName): string {
  return `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)}`;
}

/** The name for people. */
export function nameOf({ schema, table }: TableName): string {
  return `${schema}.${table}`;
}

/** Commits what `work` did, or rolls it back and rethrows its error. */
export async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // If the connection is gone, so is the transaction.
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * Lanes and receivers that create or change tables wait for each other: IF NOT EXISTS fails if two sessions create the
 * same table.
 */
export async function inTurn<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  return inTransaction(client, async () => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('trackbridge tables', 0))`);
    return await work();
  });
}
