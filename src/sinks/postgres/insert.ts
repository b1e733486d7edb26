import type { ClientBase } from 'pg';
import type { EventKeys } from '../../event/dedupe-key.js';
import type { TableState } from './inspect.js';
import { DEDUPE_KEY, type TableRecord } from './record.js';
import { type Columns, nameOf, quoted, type TableName } from './tables.js';
import { storableJson } from './text.js';

export const KEY = 'id';
/** Columns for the time when a row was written. */
const WRITTEN_AT = ['uuid_ts', 'loaded_at'];

/** A record, and the keys of its event. */
export interface EventRecord {
  readonly record: TableRecord;
  readonly keys: EventKeys;
  readonly authenticated: boolean;
}

/**
 * Adds rows of events, each once. The vendors' key is the messageId. Neither a forged event nor another source's may
 * displace an event by it:
 * - With a column `dedupe_key`, an existing row is either the same event; or its forgery, which is replaced; or the
 *   event that this one forges, which stays; or another source's, next to which this one gets its deduplication key as
 *   its id.
 * - In a vendor's table without that column, unauthenticated events have an id that says so, and are deleted when the
 *   authenticated event arrives. If two sources write to one such table, the first keeps the messageId.
 */
export async function insertEvents(
  client: ClientBase,
  name: TableName,
  state: TableState,
  all: readonly EventRecord[],
): Promise<void> {
  const genuine = new Set(
    all.flatMap((each) => (each.authenticated ? each.keys.authenticated : [])),
  );
  const records = all.filter((each) => each.authenticated || !genuine.has(each.keys.authenticated));
  if (!state.columns.has(DEDUPE_KEY)) return await insertMarked(client, name, state, records);
  if (await insertNew(client, name, state, records)) return;
  const there = await keysThere(client, name, records);
  const replaced: string[] = [];
  const left: EventRecord[] = [];
  for (const each of records) {
    const { authenticated, keys, record } = each;
    const id = String(record[KEY]);
    const holder = there.get(id);
    const isThere = (key: string): boolean => holder === key || there.get(key) === key;
    if (holder === null || isThere(String(record[DEDUPE_KEY]))) continue;
    if (!authenticated && isThere(keys.authenticated)) continue;
    if (state.mayDelete && authenticated) replaced.push(keys.unauthenticated);
    const isFree = state.mayDelete && authenticated && holder === keys.unauthenticated;
    left.push(isFree ? each : { ...each, record: { ...record, [KEY]: record[DEDUPE_KEY] } });
  }
  if (replaced.length > 0) {
    await client.query(
      `DELETE FROM ${quoted(client, name)} WHERE ${KEY} = ANY($1) AND ${DEDUPE_KEY} = ANY($2)`,
      [[...records.map(({ record }) => record[KEY]), ...replaced], replaced],
    );
  }
  if (left.length > 0) await insertNew(client, name, state, left);
}

/** Adds the rows with a new id. Resolves to whether those were all. */
async function insertNew(
  client: ClientBase,
  name: TableName,
  state: TableState,
  rows: readonly EventRecord[],
): Promise<boolean> {
  const records = rows.map(({ record }) => record);
  return (await insertOnce(client, name, state, records)) === records.length;
}

/**
 * Adds the records whose id the table does not have, and returns their number. `where` can name more conditions on `row`.
 *
 * RudderStack's tables have no unique index. There, lanes and receivers take turns per table until their transaction
 * ends, so that none adds what another is adding. Call it inside a transaction.
 */
export async function insertOnce(
  client: ClientBase,
  name: TableName,
  { columns, keyed }: Pick<TableState, 'columns' | 'keyed'>,
  records: readonly TableRecord[],
  where = 'true',
): Promise<number> {
  if (!keyed) await takeTurn(client, name);
  const distinct = keyed ? records : firstOfEach(records);
  const { select, written } = selection(client, name, columns, distinct);
  const isNew = keyed
    ? 'true'
    : `NOT EXISTS (SELECT FROM ${quoted(client, name)} AS known WHERE known.${KEY} = row.${KEY})`;
  const { rowCount } = await client.query(
    `INSERT INTO ${quoted(client, name)} AS old (${written.join(', ')}) ${select}
      WHERE ${where} AND ${isNew} ${keyed ? `ON CONFLICT (${KEY}) DO NOTHING` : ''}`,
    [documentOf(distinct)],
  );
  return rowCount ?? 0;
}

/** Waits until no other transaction of a receiver writes to a table without a unique index. */
export async function takeTurn(client: ClientBase, name: TableName): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `trackbridge rows of ${nameOf(name)}`,
  ]);
}

function firstOfEach(records: readonly TableRecord[]): readonly TableRecord[] {
  const byId = new Map<unknown, TableRecord>();
  for (const record of records) if (!byId.has(record[KEY])) byId.set(record[KEY], record);
  return [...byId.values()];
}

/**
 * Returns the rows that these could conflict with: each id with its deduplication key, null if an earlier version wrote
 * it.
 */
async function keysThere(
  client: ClientBase,
  name: TableName,
  records: readonly EventRecord[],
): Promise<ReadonlyMap<string, string | null>> {
  const ids = records.flatMap(({ keys, record }) => [
    record[KEY],
    keys.authenticated,
    keys.unauthenticated,
  ]);
  const { rows } = await client.query(
    `SELECT ${KEY} AS id, ${DEDUPE_KEY} AS key FROM ${quoted(client, name)} WHERE ${KEY} = ANY($1)`,
    [ids],
  );
  return new Map(rows.map(({ id, key }) => [id, key]));
}

/** In a table without deduplication keys, the id itself says that the event is unauthenticated. */
async function insertMarked(
  client: ClientBase,
  name: TableName,
  state: TableState,
  records: readonly EventRecord[],
): Promise<void> {
  const genuine = records.filter(({ authenticated }) => authenticated).map(({ record }) => record);
  const forged = records
    .filter(({ authenticated }) => !authenticated)
    .map(({ record }) => ({ ...record, [KEY]: forgedId(record) }));
  if (genuine.length > 0) {
    await insertOnce(client, name, state, genuine);
    // If the user may not delete, the forged row stays next to the authentic one.
    if (state.mayDelete) {
      const ids = genuine.map(forgedId);
      await client.query(`DELETE FROM ${quoted(client, name)} WHERE ${KEY} = ANY($1)`, [ids]);
    }
  }
  if (forged.length === 0) return;
  const isUnknown = `NOT EXISTS (SELECT FROM ${quoted(client, name)} AS known
    WHERE known.${KEY} = left(row.${KEY}, -length('${FORGED}')))`;
  await insertOnce(client, name, state, forged, isUnknown);
}

const FORGED = ':unauthenticated';

function forgedId(record: TableRecord): string {
  return `${record[KEY]}${FORGED}`;
}

/**
 * Returns a query of the records, which are its first parameter, and the quoted columns it yields. PostgreSQL reads each
 * value as its column's type, however wide the table is and whatever columns the rows have.
 */
export function selection(
  client: ClientBase,
  name: TableName,
  columns: Columns,
  records: readonly TableRecord[],
): {
  readonly select: string;
  readonly written: readonly string[];
  readonly names: readonly string[];
} {
  const used = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const stamps = WRITTEN_AT.filter((column) => columns.has(column) && !used.includes(column));
  const names = [...used, ...stamps];
  const values = used.map((column) => `row.${client.escapeIdentifier(column)}`);
  return {
    select: `SELECT ${[...values, ...stamps.map(() => 'now()')].join(', ')}
      FROM json_populate_recordset(NULL::${quoted(client, name)}, $1::json) AS row`,
    written: names.map((column) => client.escapeIdentifier(column)),
    names,
  };
}

export function documentOf(records: readonly TableRecord[]): string {
  return storableJson(JSON.stringify(records));
}
