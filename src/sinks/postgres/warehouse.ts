import type { ClientBase } from 'pg';
import { printable } from '../../core/printable.js';
import { type Failed, type SinkContext, SinkError, type SinkEvent } from '../sink.js';
import type { Made } from './create.js';
import { type Discarded, discardsOf, insertDiscards } from './discards.js';
import { type EventRecord, insertEvents, KEY } from './insert.js';
import { readTables, type TableState } from './inspect.js';
import type { KnownTables, TableNeed } from './known-tables.js';
import type { PostgresLayout } from './layout.js';
import { OTHER, type Placed, placed } from './record.js';
import type { Row } from './rows/builder.js';
import { FIXED_TABLES, fixedColumns } from './rows/columns.js';
import { createRows, type RowOptions } from './rows/rows.js';
import {
  inTransaction,
  LONGEST_IDENTIFIER,
  nameOf,
  quoted,
  type TableName,
  type TableShape,
} from './tables.js';
import { createUnplacedReport } from './unplaced.js';
import { upsertUsers } from './users.js';
import { columnTypeOf } from './values.js';

/** Columns of every table that a vendor or this sink has created for an event's name. */
const MARKS = [[KEY], ['received_at'], ['event_text', 'event', 'uuid_ts', 'loaded_at']];

export interface WarehouseOptions extends RowOptions {
  readonly create: boolean;
  /** The type of columns for whole numbers. */
  readonly integers: 'numeric' | 'bigint';
  /** Where values go that no column can hold. */
  readonly overflow: 'other_values' | 'rudder_discards';
}

interface Dependencies {
  readonly tables: KnownTables;
  /** Senders choose the schema. */
  readonly chosen: boolean;
  readonly context: Pick<SinkContext, 'log' | 'metrics'>;
}

/** The rows for one table, and the event of the batch that each belongs to. */
interface Part extends TableNeed {
  readonly rows: { readonly index: number; readonly row: Row }[];
}

/**
 * The tables that Segment and RudderStack write to a warehouse. `schemaOf` returns the schema of an event's tables; the
 * vendors have one per source.
 */
export function createWarehouseLayout(
  schemaOf: (event: SinkEvent) => string,
  options: WarehouseOptions,
  { tables, chosen, context }: Dependencies,
): PostgresLayout {
  const rowsOf = createRows(options);
  const report = createUnplacedReport(context);

  /** Groups rows by the tables' quoted names, in the same order in every lane, so that no two lanes deadlock. */
  function partsOf(client: ClientBase, batch: readonly SinkEvent[]): ReadonlyMap<string, Part> {
    const rows = new Map<string, { name: TableName; rows: Part['rows'] }>();
    batch.forEach((event, index) => {
      const schema = schemaOf(event);
      for (const row of rowsOf(event.event)) {
        const name = { schema, table: row.table };
        const id = quoted(client, name);
        const entry = rows.get(id) ?? { name, rows: [] };
        entry.rows.push({ index, row });
        rows.set(id, entry);
      }
    });
    const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(
      sorted.map(([id, part]) => {
        const { table } = part.name;
        const shape = warehouseShape(
          table,
          part.rows.map(({ row }) => row),
          options,
        );
        const isChosen = chosen || !FIXED_TABLES.includes(table);
        return [id, { ...part, shape, chosen: isChosen, updates: table === 'users' }];
      }),
    );
  }

  return {
    async deliver(client, batch) {
      const parts = partsOf(client, batch);
      const prepared = await tables.prepare(client, [...parts.values()]);
      const refused = await refusalsOf(client, parts, prepared);
      const keepsOthers = options.overflow === 'other_values';
      const writes = [...parts].flatMap(([id, part]) =>
        writeOf(part, prepared.get(id), keepsOthers),
      );
      const discards = await discardsFor(client, writes);
      for (const write of writes) {
        if (!discards.has(write.name.schema)) refuseUnplaced(write, options.create, refused);
      }
      const left = writes
        .map((write) => ({ ...write, rows: write.rows.filter(({ index }) => !refused.has(index)) }))
        .filter(({ rows }) => rows.length > 0);
      // All or nothing: a track is never in tracks and missing from its own table.
      if (left.length > 0) {
        await inTransaction(client, async () => {
          for (const { name, rows, state } of left) {
            const write = name.table === 'users' ? upsertUsers : insertEvents;
            await write(client, name, state, rows);
            const made = discards.get(name.schema);
            if (made !== undefined) {
              const all: readonly Discarded[] = rows;
              await insertDiscards(client, made.name, made.state, name.table, all);
            }
          }
        });
      }
      for (const { name, rows } of left) {
        if (discards.has(name.schema)) continue;
        report(
          name,
          rows.flatMap(({ unplaced }) => unplaced.map(({ column }) => column)),
        );
      }
      return refused;
    },
  };

  /** The tables for values without a place, by their schema; none where there is no such value or no such table. */
  async function discardsFor(
    client: ClientBase,
    writes: readonly Write[],
  ): Promise<ReadonlyMap<string, { readonly name: TableName; readonly state: TableState }>> {
    const schemas = new Set(
      writes
        .filter(({ rows }) => rows.some(({ unplaced }) => unplaced.length > 0))
        .map(({ name }) => name.schema),
    );
    const needs = [...schemas].map((schema) =>
      discardsOf(schema, options.overflow === 'other_values'),
    );
    const made = await tables.prepare(client, needs);
    return new Map(
      needs.flatMap(({ name }) => {
        const table = made.get(quoted(client, name));
        return table !== undefined && 'state' in table
          ? [[name.schema, { name, state: table.state }] as const]
          : [];
      }),
    );
  }
}

/** A row to write. */
interface PlacedRow extends EventRecord, Placed {
  readonly index: number;
}

interface Write {
  readonly name: TableName;
  readonly state: TableState;
  readonly rows: readonly PlacedRow[];
}

function writeOf(
  { name, rows }: Part,
  made: Made | undefined,
  keepsOthers: boolean,
): readonly Write[] {
  if (made === undefined || 'refusal' in made) return [];
  const { state } = made;
  const written = rows.map(({ index, row }): PlacedRow => {
    const { authenticated, keys } = row;
    return { index, authenticated, keys, ...placed(row, state, keepsOthers) };
  });
  return [{ name, state, rows: written }];
}

/** Returns what the table must have for these rows. If values have different types, the first one decides. */
export function warehouseShape(
  table: string,
  rows: readonly Row[],
  { integers, overflow }: Pick<WarehouseOptions, 'integers' | 'overflow'>,
): TableShape {
  const fixed = new Map(fixedColumns(table));
  if (overflow === 'rudder_discards') fixed.delete(OTHER);
  const more = new Map<string, string>();
  for (const { json, values } of rows) {
    for (const [column, value] of values) {
      if (!fixed.has(column) && !more.has(column)) more.set(column, columnTypeOf(value, integers));
    }
    for (const column of json.keys()) if (!more.has(column)) more.set(column, 'jsonb');
  }
  return { key: KEY, mayLackKey: true, fixed, more, required: [KEY], marks: MARKS };
}

/**
 * Returns why events cannot be written. If a table that senders name, or one for a type of event, is missing, only the
 * events for it fail. If a schema has none of the vendors' tables, the setup is at fault and everything waits.
 */
async function refusalsOf(
  client: ClientBase,
  parts: ReadonlyMap<string, Part>,
  prepared: ReadonlyMap<string, Made>,
): Promise<Map<number, Failed>> {
  const refused = new Map<number, Failed>();
  for (const [id, { chosen, name, rows }] of parts) {
    const made = prepared.get(id);
    if (made === undefined || !('refusal' in made)) continue;
    const message = made.refusal;
    if (!chosen && !(await hasLayout(client, name.schema))) {
      throw new SinkError(message, { retryable: true });
    }
    for (const { index } of rows) refused.set(index, { ok: false, message, retryable: false });
  }
  return refused;
}

async function hasLayout(client: ClientBase, schema: string): Promise<boolean> {
  const names = FIXED_TABLES.map((table) => ({ schema, table }));
  const states = await readTables(client, names, KEY);
  return [...states.values()].some(({ mayWrite }) => mayWrite);
}

function refuseUnplaced(
  { name, rows, state }: Write,
  create: boolean,
  refused: Map<number, Failed>,
): void {
  for (const { index, unplaced } of rows) {
    const lost = unplaced.filter(({ isAside }) => !isAside).map(({ column }) => column);
    if (lost.length === 0) continue;
    const owner = state.owned ? '' : ` as ${printable(state.owner, LONGEST_IDENTIFIER)}, its owner`;
    const remedy =
      create || !state.owned
        ? `run \`ALTER TABLE ${nameOf(name)} ADD other_values jsonb\`${owner}`
        : 'add one, or other_values of type jsonb, or set create: true';
    const message = `${nameOf(name)} has no column for ${listOf(lost)}; ${remedy}`;
    refused.set(index, { ok: false, message, retryable: false });
  }
}

/** Lists the first few names: events choose the names and their number. */
function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => printable(name, LONGEST_IDENTIFIER));
  return names.length > shown.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more values`
    : shown.join(', ');
}
