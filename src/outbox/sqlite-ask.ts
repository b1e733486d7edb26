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
