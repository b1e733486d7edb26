import type { ClientBase } from 'pg';
import { keysOf } from '../../event/dedupe-key.js';
import { type Failed, type SinkContext, SinkError, type SinkEvent } from '../sink.js';
import { type Conversions, formerProblem, isFormer } from './convert.js';
import { readTables, type TableState } from './inspect.js';
import type { KnownTables } from './known-tables.js';
import type { PostgresLayout } from './layout.js';
import { nameOf, quoted, type TableName, type TableShape } from './tables.js';
import { storableJson, storableText, storableTime } from './text.js';

/** The columns of the contract, section 6. */
const COLUMNS: ReadonlyMap<string, string> = new Map([
  ['dedupe_key', 'text'],
  ['message_id', 'text'],
  ['type', 'text'],
  ['event', 'text'],
  ['user_id', 'text'],
  ['anonymous_id', 'text'],
  ['timestamp', 'timestamptz'],
  ['received_at', 'timestamptz'],
  ['payload', 'jsonb'],
]);

export const SINGLE_SHAPE: TableShape = {
  key: 'dedupe_key',
  mayLackKey: false,
  former: 'message_id',
  fixed: COLUMNS,
  more: new Map(),
  required: [...COLUMNS.keys()],
  index: 'message_id',
  marks: [['message_id'], ['payload']],
};

interface Row {
  readonly index: number;
  readonly values: readonly (string | null)[];
  /** The keys of the event with and without authentication. */
  readonly genuine: string;
  readonly forged: string;
  readonly authenticated: boolean;
}

interface Dependencies {
  readonly tables: KnownTables;
  readonly create: boolean;
  /** Senders choose the names of tables. */
  readonly chosen: boolean;
  readonly conversions: Conversions;
  readonly log: SinkContext['log'];
}

/** Writes one row per event: the whole event as JSONB, and the columns that most queries start with. */
export function createSingleLayout(
  tableOf: (event: SinkEvent) => TableName,
  { tables, create, chosen, conversions, log }: Dependencies,
): PostgresLayout {
  let warned = false;

  /** Converts the table if it needs it and the options allow it. */
  async function upToDate(client: ClientBase, names: readonly TableName[], signal: AbortSignal) {
    const states = await readTables(client, names, SINGLE_SHAPE.key);
    for (const name of names) {
      const state = states.get(quoted(client, name));
      if (state === undefined || !isFormer(state, SINGLE_SHAPE)) continue;
      if (!create || !state.owned) throw new SinkError(formerProblem(name), { retryable: true });
      await conversions.convert(name, SINGLE_SHAPE, signal);
    }
  }

  async function write(client: ClientBase, name: TableName, state: TableState, rows: Row[]) {
    await insert(client, name, rows);
    if (state.mayDelete) await dropForged(client, name, rows);
    else if (!warned) {
      warned = true;
      const message =
        'no right to DELETE: an unauthenticated event stays next to its authenticated copy; grant it';
      log.warn({ table: nameOf(name) }, message);
    }
  }

  return {
    async deliver(client, batch, signal) {
      const byTable = new Map<string, { name: TableName; rows: Row[] }>();
      batch.forEach((event, index) => {
        const name = tableOf(event);
        const id = quoted(client, name);
        const entry = byTable.get(id) ?? { name, rows: [] };
        entry.rows.push(rowOf(event, index));
        byTable.set(id, entry);
      });
      const names = [...byTable.values()].map(({ name }) => name);
      const fresh = names.filter((name) => !tables.knows(quoted(client, name)));
      if (fresh.length > 0) await upToDate(client, fresh, signal);
      const needs = names.map((name) => ({ name, shape: SINGLE_SHAPE, chosen, updates: false }));
      const prepared = await tables.prepare(client, needs);
      const refused = new Map<number, Failed>();
      for (const [id, { name, rows }] of byTable) {
        const made = prepared.get(id);
        if (made !== undefined && 'state' in made) await write(client, name, made.state, rows);
        else refuse(rows, String(made?.refusal), chosen, refused);
      }
      return refused;
    },
  };
}

/**
 * A failure of a table that senders name costs only the events for it. One that the operator names is for the operator
 * to fix.
 */
function refuse(
  rows: readonly Row[],
  message: string,
  chosen: boolean,
  refused: Map<number, Failed>,
): void {
  if (!chosen) throw new SinkError(message, { retryable: true });
  for (const { index } of rows) refused.set(index, { ok: false, message, retryable: false });
}

/**
 * Uses one statement for any number of rows, since unnest takes each column as one array. An unauthenticated event is
 * skipped if the authenticated one exists.
 */
async function insert(client: ClientBase, name: TableName, rows: readonly Row[]): Promise<void> {
  const table = quoted(client, name);
  const columns = [...COLUMNS.keys()].map((column) => client.escapeIdentifier(column)).join(', ');
  const arrays = [...COLUMNS.values(), 'text'].map((type, index) => `$${index + 1}::${type}[]`);
  const values = [...COLUMNS].map((_, index) => rows.map((row) => row.values[index]));
  await client.query(
    `INSERT INTO ${table} (${columns}) SELECT ${columns}
       FROM unnest(${arrays.join(', ')}) AS row(${columns}, genuine)
      WHERE genuine IS NULL OR NOT EXISTS (
        SELECT FROM ${table} AS known WHERE known.dedupe_key = genuine AND known.message_id = row.message_id)
      ON CONFLICT (dedupe_key) DO NOTHING`,
    [...values, rows.map(({ authenticated, genuine }) => (authenticated ? null : genuine))],
  );
}

/**
 * Deletes unauthenticated events whose authenticated event exists. This is a separate statement after the rows are
 * committed: if two lanes write the two at once, the one that ends last sees both.
 */
async function dropForged(
  client: ClientBase,
  name: TableName,
  rows: readonly Row[],
): Promise<void> {
  const table = quoted(client, name);
  await client.query(
    `DELETE FROM ${table} AS forged USING ${table} AS known
      WHERE forged.dedupe_key = ANY($1) AND forged.message_id = known.message_id
        AND known.dedupe_key = left(forged.dedupe_key, -length(':unauthenticated'))`,
    [rows.map(({ forged }) => forged)],
  );
}

function rowOf({ event, json }: SinkEvent, index: number): Row {
  const keys = keysOf(event);
  const genuine = storableText(keys.authenticated);
  const forged = storableText(keys.unauthenticated);
  const { authenticated } = event.receipt;
  return {
    index,
    genuine,
    forged,
    authenticated,
    values: [
      authenticated ? genuine : forged,
      storableText(event.messageId),
      storableText(event.type),
      textOf(event['event']),
      textOf(event['userId']),
      textOf(event['anonymousId']),
      storableTime(event.timestamp),
      storableTime(event.receivedAt),
      storableJson(json),
    ],
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? storableText(value) : null;
}
