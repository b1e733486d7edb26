import { SEEN_TABLES } from '../schema/migrations.js';
import type { Shared } from '../shared.js';

/** The generations that are looked up besides the current one: together they cover the window. */
const PER_WINDOW = SEEN_TABLES - 2;

/**
 * Begins a new generation of known ids if it is time. Expiry empties a table instead of deleting rows: of the tables one
 * takes new ids, one is empty, and the others are looked up.
 */
export async function rotateGenerations(shared: Shared): Promise<void> {
  const { database, options, schema } = shared;
  const length = Math.ceil(options.dedupeWindow / PER_WINDOW);
  const [store] = await database.run(
    `SELECT generation, generation_since <= clock_timestamp() - $1 * interval '1 millisecond' AS due FROM ${schema}.store`,
    [length],
  );
  shared.generation = Number(store?.['generation'] ?? 0);
  if (store?.['due'] !== true) return;
  const next = shared.generation + 1;
  await database.transact(async (session) => {
    await session.run(`TRUNCATE ${schema}.seen_${next % SEEN_TABLES}`);
  });
  await database.transact(async (session) => {
    // Waits for the transactions that add to the current table, and lets no other begin: an id must not be added to
    // two tables at once. Those that wait find the new generation and start over.
    await session.run(
      `LOCK TABLE ${schema}.seen_${shared.generation % SEEN_TABLES} IN SHARE ROW EXCLUSIVE MODE`,
    );
    await session.run(
      `UPDATE ${schema}.store SET generation = $1, generation_since = clock_timestamp() WHERE generation = $1::integer - 1`,
      [next],
    );
  });
  shared.generation = next;
}
