import type { ClientBase } from 'pg';
import { messageOf } from '../../core/errors.js';
import { orInterrupted } from '../kit/interrupt.js';
import { type SinkContext, SinkError } from '../sink.js';
import { addColumns } from './create.js';
import { readTables, type TableState } from './inspect.js';
import { inTurn, nameOf, quoted, type TableName, type TableShape } from './tables.js';

/** Whether a table has the layout of an earlier version, which recognized duplicates by another column. */
export function isFormer({ columns }: TableState, { key, former }: TableShape): boolean {
  return former !== undefined && columns.has(former) && !columns.has(key);
}

export function formerProblem(name: TableName): string {
  return `${nameOf(name)} has the layout of an earlier version; set create: true as its owner to convert it, or see the documentation of the sink`;
}

/** Converts tables of an earlier version, one at a time, however many lanes wait for them. */
export interface Conversions {
  /**
   * Resolves when the table has the key of `shape`. The conversion continues if `signal` aborts: a large table takes
   * longer than an attempt, and the next attempt waits for the same conversion.
   */
  convert(name: TableName, shape: TableShape, signal: AbortSignal): Promise<void>;
}

/** `use` provides a connection that no attempt's timeout ends. */
export function createConversions(
  use: (work: (client: ClientBase) => Promise<void>) => Promise<void>,
  log: SinkContext['log'],
): Conversions {
  const underway = new Map<string, Promise<void>>();
  return {
    convert(name, shape, signal) {
      const table = nameOf(name);
      let conversion = underway.get(table);
      if (conversion === undefined) {
        log.info({ table }, 'the table has the layout of an earlier version; converting it');
        conversion = use((client) => convert(client, name, shape))
          .then(() => log.info({ table }, 'the table has been converted'))
          .catch((error: unknown) => {
            // Whatever failed, the waiting event did not cause it.
            const message = `${table} has the layout of an earlier version and cannot be converted: ${messageOf(error)}`;
            throw new SinkError(message, { retryable: true, cause: error });
          })
          .finally(() => underway.delete(table));
        // Callers that wait receive the error; there may be none left.
        conversion.catch(() => {});
        underway.set(table, conversion);
      }
      return orInterrupted(() => Promise.resolve(conversion), signal);
    },
  };
}

/**
 * Adds the key, fills it for existing rows, and makes it the primary key instead of the messageId, all in one
 * transaction. The key of an old row is the one that its event would have had, computed from its receipt if its payload
 * has one.
 */
async function convert(client: ClientBase, name: TableName, shape: TableShape): Promise<void> {
  await inTurn(client, async () => {
    const table = quoted(client, name);
    const state = (await readTables(client, [name], shape.key)).get(table);
    // Another receiver has converted it in the meantime, or it was dropped.
    if (state === undefined || !isFormer(state, shape)) return;
    const lacking = [...shape.fixed].filter(([column]) => !state.columns.has(column));
    await addColumns(client, name, new Map(lacking));
    const key = client.escapeIdentifier(shape.key);
    const former = client.escapeIdentifier(String(shape.former));
    // The table is rewritten once, without the dead rows that an UPDATE leaves. Triggers are meant for events, so they
    // do not fire.
    await client.query(
      `ALTER TABLE ${table} ALTER COLUMN ${key} TYPE text USING ${keyOfRow(`${former}::text`)}`,
    );
    for (const drop of await formerKeys(client, table, shape.former)) await client.query(drop);
    await client.query(`ALTER TABLE ${table} ADD PRIMARY KEY (${key})`);
    await client.query(`CREATE INDEX ON ${table} (${former})`);
  });
}

/** Returns SQL for the key of a row. With `format: cloudevents` the event is in `data`. */
function keyOfRow(id: string): string {
  const receipt = `coalesce(payload->'receipt', payload->'data'->'receipt')`;
  const derived = `${receipt}->>'source' || ':' || ${id} || CASE ${receipt}->>'authenticated' WHEN 'false' THEN ':unauthenticated' ELSE '' END`;
  return `coalesce(${receipt}->>'dedupeKey', ${derived}, ${id})`;
}

/** Returns what makes a messageId unique: the primary key and every unique constraint or index on it. */
async function formerKeys(
  client: ClientBase,
  table: string,
  column: string | undefined,
): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string; schema: string; bound: string | null }>(
    `SELECT i.relname AS name, n.nspname AS schema, c.conname AS bound FROM pg_index x
       JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
       JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
       LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.contype IN ('p', 'u')
      WHERE x.indrelid = to_regclass($1) AND x.indisunique AND x.indnkeyatts = 1 AND a.attname = $2`,
    [table, column],
  );
  return rows.map(({ bound, name, schema }) =>
    bound === null
      ? `DROP INDEX ${client.escapeIdentifier(schema)}.${client.escapeIdentifier(name)}`
      : `ALTER TABLE ${table} DROP CONSTRAINT ${client.escapeIdentifier(bound)}`,
  );
}
