import type { DatabaseSyncInstance } from '@photostructure/sqlite';

/**
 * The first value of a query, without preparing a statement. A connection with prepared statements is not closed until
 * they are collected, and holds its lock until then; so what opens a file and may close it again must not prepare any.
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

/** Whether a table has this column, which those of older stores may not; both names are ours, never from outside. */
export function hasColumn(database: DatabaseSyncInstance, table: string, column: string): boolean {
  return (
    ask(database, `SELECT 1 FROM pragma_table_info('${table}') WHERE name = '${column}'`) === 1
  );
}
