import type { ClientBase } from 'pg';
import type { SinkOptions } from '../../config/config.js';
import { stateOf } from './failure.js';
import { readTables, type TableState } from './inspect.js';
import { inTurn, nameOf, quoted, type TableName, type TableShape } from './tables.js';

/** How many tables and columns senders can create by the names they choose. */
export type Limits = Pick<SinkOptions['postgres'], 'maxTables' | 'maxColumns'>;

/** PostgreSQL's own limit on the columns of a table, dropped ones included. */
const MOST_SLOTS = 1_600;

/** The comment that marks a table created for a name that a sender chose. */
const MARK = 'Created by Trackbridge for a name that an event brought';

const INSUFFICIENT_PRIVILEGE = '42501';

/** The table's current state, or why it was not created. */
export type Made = { readonly state: TableState } | { readonly refusal: string };

/**
 * Creates a table, or adds its missing columns. It takes effect at once, outside any transaction of the caller: lanes
 * that change tables wait for each other and must not hold row locks meanwhile. `chosen`: senders choose the name.
 */
export async function makeTable(
  client: ClientBase,
  name: TableName,
  shape: TableShape,
  chosen: boolean,
  limits: Limits,
): Promise<Made> {
  try {
    return await inTurn(client, async () => {
      // The state after other lanes had their turn.
      const before = await readTable(client, name, shape.key);
      if (before !== undefined) return await extend(client, name, before, shape, limits);
      if (chosen && (await countMarked(client)) >= limits.maxTables) {
        return { refusal: tooMany(name, limits) };
      }
      await create(client, name, shape, limits);
      if (chosen) await client.query(`COMMENT ON TABLE ${quoted(client, name)} IS '${MARK}'`);
      return found(name, await readTable(client, name, shape.key));
    });
  } catch (error) {
    if (stateOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    return { refusal: `no right to create ${nameOf(name)} or its columns; grant it` };
  }
}

/** Returns the columns of `shape` that a table lacks and may get. */
export function additionsTo(
  { columns, slots }: Pick<TableState, 'columns' | 'slots'>,
  { fixed, more }: TableShape,
  { maxColumns }: Limits,
): ReadonlyMap<string, string> {
  const own = [...fixed].filter(([column]) => !columns.has(column));
  const others = [...more].filter(([column]) => !columns.has(column));
  const room = Math.max(0, maxColumns - columns.size - own.length);
  return new Map([...own, ...others.slice(0, room)].slice(0, MOST_SLOTS - slots));
}

async function extend(
  client: ClientBase,
  name: TableName,
  state: TableState,
  shape: TableShape,
  limits: Limits,
): Promise<Made> {
  const additions = additionsTo(state, shape, limits);
  if (additions.size === 0) return { state };
  await addColumns(client, name, additions);
  return found(name, await readTable(client, name, shape.key));
}

/** Adds `columns` with their SQL types, nullable and without a default, so that no row is rewritten. */
export async function addColumns(
  client: ClientBase,
  name: TableName,
  columns: ReadonlyMap<string, string>,
): Promise<void> {
  const added = [...columns].map((column) => `ADD COLUMN ${definitionOf(client, column)}`);
  await client.query(`ALTER TABLE ${quoted(client, name)} ${added.join(', ')}`);
}

async function create(
  client: ClientBase,
  name: TableName,
  shape: TableShape,
  limits: Limits,
): Promise<void> {
  const schema = client.escapeIdentifier(name.schema);
  // CREATE SCHEMA IF NOT EXISTS requires the right to create a schema even if it exists.
  const there = await client.query('SELECT to_regnamespace($1) IS NOT NULL AS there', [schema]);
  if (!there.rows[0]?.there) await client.query(`CREATE SCHEMA ${schema}`);
  const columns = [...additionsTo({ columns: new Map(), slots: 0 }, shape, limits)].map((column) =>
    definitionOf(client, column),
  );
  const key = `PRIMARY KEY (${client.escapeIdentifier(shape.key)})`;
  const table = quoted(client, name);
  await client.query(`CREATE TABLE ${table} (${[...columns, key].join(', ')})`);
  if (shape.index === undefined) return;
  await client.query(`CREATE INDEX ON ${table} (${client.escapeIdentifier(shape.index)})`);
}

function definitionOf(client: ClientBase, [column, type]: readonly [string, string]): string {
  return `${client.escapeIdentifier(column)} ${type}`;
}

async function countMarked(client: ClientBase): Promise<number> {
  const { rows } = await client.query(
    `SELECT count(*)::int AS marked FROM pg_class
      WHERE relkind IN ('r', 'p') AND obj_description(oid, 'pg_class') = $1`,
    [MARK],
  );
  return Number(rows[0]?.marked);
}

async function readTable(
  client: ClientBase,
  name: TableName,
  key: string,
): Promise<TableState | undefined> {
  return (await readTables(client, [name], key)).get(quoted(client, name));
}

function found(name: TableName, state: TableState | undefined): Made {
  return state === undefined ? { refusal: `${nameOf(name)} cannot be found` } : { state };
}

function tooMany(name: TableName, { maxTables }: Limits): string {
  return `no table ${nameOf(name)}: events have already created ${maxTables} tables (maxTables); create the table, or raise maxTables`;
}
