import type { ClientBase } from 'pg';
import { documentOf, type EventRecord, insertOnce, KEY, selection, takeTurn } from './insert.js';
import type { TableState } from './inspect.js';
import { DEDUPE_KEY, OTHER, type TableRecord } from './record.js';
import { type Columns, quoted, type TableName } from './tables.js';

const RECEIVED_AT = 'received_at';
/** Whether an unauthenticated event wrote the row last. */
const FORGED = `right(old.${DEDUPE_KEY}, 16) = ':unauthenticated'`;

/**
 * Writes the latest traits of each user. A trait that is not sent again stays, and an older event only fills in missing
 * ones. An unauthenticated event changes no row that an authenticated one has written, and is replaced when one
 * arrives.
 */
export async function upsertUsers(
  client: ClientBase,
  name: TableName,
  state: TableState,
  rows: readonly EventRecord[],
): Promise<void> {
  const genuine = rows.filter(({ authenticated }) => authenticated);
  const users = new Set(genuine.map(({ record }) => record[KEY]));
  const forged = rows.filter(({ authenticated, record }) => {
    return !authenticated && !users.has(record[KEY]);
  });
  const isTold = state.columns.has(DEDUPE_KEY);
  if (!state.keyed) await takeTurn(client, name);
  if (genuine.length > 0) {
    if (isTold && state.mayDelete) {
      await client.query(
        `DELETE FROM ${quoted(client, name)} AS old WHERE ${KEY} = ANY($1) AND ${FORGED}`,
        [[...users]],
      );
    }
    await upsert(client, name, state, merged(genuine), 'true');
  }
  if (forged.length === 0) return;
  // A vendor's table does not record who wrote a row.
  await upsert(client, name, state, merged(forged), isTold ? FORGED : undefined);
}

/** One record per user, since a statement may update a row only once; the latest value of each column. */
function merged(rows: readonly EventRecord[]): readonly TableRecord[] {
  const byUser = new Map<unknown, TableRecord>();
  for (const { record } of rows) {
    const before = byUser.get(record[KEY]);
    const late = before !== undefined && isOlder(record, before);
    const [older, newer] = late ? [record, before] : [before, record];
    const other = { ...Object(older?.[OTHER]), ...Object(newer?.[OTHER]) };
    const both = { ...older, ...newer };
    byUser.set(record[KEY], Object.keys(other).length > 0 ? { ...both, [OTHER]: other } : both);
  }
  return [...byUser.values()];
}

function isOlder(a: TableRecord, b: TableRecord): boolean {
  const [first, second] = [a[RECEIVED_AT], b[RECEIVED_AT]];
  return typeof first === 'string' && typeof second === 'string' && first < second;
}

/** `where`: the existing rows that may be changed; none if absent. */
async function upsert(
  client: ClientBase,
  name: TableName,
  state: TableState,
  records: readonly TableRecord[],
  where: string | undefined,
): Promise<void> {
  const { columns, keyed } = state;
  const { names, select, written } = selection(client, name, columns, records);
  const table = quoted(client, name);
  const updates = names.filter((column) => column !== KEY).map(update);
  if (where === undefined || updates.length === 0) {
    await insertOnce(client, name, state, records);
    return;
  }
  const values = [documentOf(records)];
  if (keyed) {
    await client.query(
      `INSERT INTO ${table} AS old (${written.join(', ')}) ${select}
        ON CONFLICT (${KEY}) DO UPDATE SET ${updates.join(', ')} WHERE ${where}`,
      values,
    );
    return;
  }
  await client.query(
    `UPDATE ${table} AS old SET ${updates.join(', ')}
       FROM (${select}) AS excluded (${written.join(', ')}) WHERE old.${KEY} = excluded.${KEY} AND ${where}`,
    values,
  );
  await insertOnce(client, name, state, records);

  function update(column: string): string {
    const id = client.escapeIdentifier(column);
    const [older, newer] = [`old.${id}`, `excluded.${id}`];
    const latest = latestOf(column, columns, older, newer);
    if (!columns.has(RECEIVED_AT) || !names.includes(RECEIVED_AT)) return `${id} = ${latest}`;
    return `${id} = CASE WHEN excluded.${RECEIVED_AT} < old.${RECEIVED_AT}
      THEN ${latestOf(column, columns, newer, older)} ELSE ${latest} END`;
  }
}

/** Merges values without a column of their own: the latest value of each name. */
function latestOf(column: string, columns: Columns, older: string, newer: string): string {
  if (column !== OTHER || columns.get(OTHER) !== 'jsonb') return `coalesce(${newer}, ${older})`;
  return `coalesce(${older} || ${newer}, ${newer}, ${older})`;
}
