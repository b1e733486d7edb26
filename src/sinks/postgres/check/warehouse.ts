import type { ClientBase } from 'pg';
import { discardsOf } from '../discards.js';
import { problemOf, readTables, type TableState } from '../inspect.js';
import { OTHER } from '../record.js';
import { FIXED_TABLES } from '../rows/columns.js';
import { nameOf, quoted, type TableName } from '../tables.js';
import { type WarehouseOptions, warehouseShape } from '../warehouse.js';
import { checkMayCreate, wrong } from './check.js';

/** The most problems that one check lists. */
const MOST_LISTED = 10;

/**
 * Throws a SinkError that says what keeps events out of the tables of these schemas: every table of the layout, and every
 * table there that an event's name can select. Creates and changes nothing.
 */
export async function checkWarehouse(
  client: ClientBase,
  schemas: readonly string[],
  options: WarehouseOptions,
): Promise<void> {
  const problems: string[] = [];
  for (const schema of schemas) problems.push(...(await problemsIn(client, schema, options)));
  if (problems.length === 0) return;
  const more = problems.length - MOST_LISTED;
  const rest = more > 0 ? [`and ${more} more problems`] : [];
  throw wrong([...problems.slice(0, MOST_LISTED), ...rest].join('; '));
}

async function problemsIn(
  client: ClientBase,
  schema: string,
  options: WarehouseOptions,
): Promise<readonly string[]> {
  const { create, overflow } = options;
  const names = [...new Set([...FIXED_TABLES, ...(await eventTables(client, schema))])].map(
    (table): TableName => ({ schema, table }),
  );
  const states = await readTables(client, names, 'id');
  const problems: string[] = [];
  const missing = names.filter((name) => !states.has(quoted(client, name)));
  if (create && missing.length > 0) {
    await checkMayCreate(client, { schema, table: '' }).catch((error: Error) =>
      problems.push(error.message),
    );
  }
  if (!create && states.size === 0) {
    return [
      `the schema ${schema} has no table of the warehouse layout; create them, or set create: true`,
    ];
  }
  const { name: discards } = discardsOf(schema, true);
  const hasDiscards = (await readTables(client, [discards], 'row_id')).size > 0;
  for (const name of names) {
    const state = states.get(quoted(client, name));
    if (state === undefined) continue;
    const shape = { ...warehouseShape(name.table, [], options), required: ['id'] };
    const problem = problemOf(name, state, shape, name.table === 'users');
    if (problem !== undefined) problems.push(problem);
    const keeps = overflow === 'other_values' && state.columns.has(OTHER);
    const makes = create && state.owned;
    if (!keeps && !hasDiscards && !makes) problems.push(noPlace(name, state));
  }
  return problems;
}

function noPlace(name: TableName, { owned, owner }: TableState): string {
  const who = owned ? '' : ` as ${owner}, its owner`;
  return `${nameOf(name)} has no place for values without a column, which makes their events dead letters; run \`ALTER TABLE ${nameOf(name)} ADD other_values jsonb\`${who}, or create rudder_discards`;
}

/** The tables of a schema that were created for the names of events. */
async function eventTables(client: ClientBase, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ table: string }>(
    `SELECT c.relname AS table FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p')
        AND a.attname IN ('id', 'received_at', 'event_text') AND NOT a.attisdropped
      GROUP BY c.relname HAVING count(*) = 3 ORDER BY 1`,
    [client.escapeIdentifier(schema)],
  );
  return rows.map(({ table }) => table);
}
