import type { DatabaseSyncInstance } from '@photostructure/sqlite';

/**
 * Returns the first value of a query without preparing a statement. A connection with prepared statements is not
 * closed, and holds its lock, until those are garbage-collected. So code that opens a file and may close it again must
 * not prepare any.
 */
export function ask(database: DatabaseSyncInstance, query: string): unknown {
  const answers: unknown[] = [];
  database.function('trackbridge_answer', { deterministic: false }, (value: unknown) => {
    answers.push(value);
    return null;
  });
  database.exec(`SELECT trackbridge_answer((${query}))`);
  return answers[0];
}

/**
 * Returns whether a table has this column, which the tables of older stores may lack. Both names are constants, never
 * input.
 */
export function hasColumn(database: DatabaseSyncInstance, table: string, column: string): boolean {
  return (
    ask(database, `SELECT 1 FROM pragma_table_info('${table}') WHERE name = '${column}'`) === 1
  );
}
