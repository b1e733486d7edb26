import type { ClientBase } from 'pg';
import { SinkError } from '../../sink.js';
import { formerProblem, isFormer } from '../convert.js';
import { problemOf, readTables } from '../inspect.js';
import { nameOf, quoted, type TableName, type TableShape } from '../tables.js';

/** Throws a SinkError that says what keeps all events out of the database. */
export async function checkServer(client: ClientBase): Promise<void> {
  const { rows } = await client.query(
    `SELECT pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding`,
  );
  const { standby, encoding } = rows[0] ?? {};
  if (standby) throw wrong('the server is a standby and accepts no writes; connect to the primary');
  // Any other encoding rejects most of Unicode, event by event.
  if (encoding !== 'UTF8')
    throw wrong(`the database has the encoding ${encoding}; it must be UTF8`);
}

/** Throws a SinkError that says what keeps events out of this table. Creates and changes nothing. */
export async function checkTable(
  client: ClientBase,
  name: TableName,
  shape: TableShape,
  create: boolean,
): Promise<void> {
  const text = nameOf(name);
  const state = (await readTables(client, [name], shape.key)).get(quoted(client, name));
  if (state === undefined) {
    if (!create) throw wrong(`there is no table ${text}; create it, or set create: true`);
    return checkMayCreate(client, name);
  }
  if (isFormer(state, shape)) {
    if (create && state.owned) return;
    throw wrong(formerProblem(name));
  }
  // The sink adds missing columns if its user owns the table.
  const required = create && state.owned ? [] : shape.required;
  const problem = problemOf(name, state, { ...shape, required }, false);
  if (problem !== undefined) throw wrong(problem);
  if (!state.mayDelete) {
    throw wrong(
      `no right to DELETE on ${text}, so an unauthenticated event would stay next to its authenticated copy; grant it`,
    );
  }
}

export async function checkMayCreate(client: ClientBase, { schema }: TableName): Promise<void> {
  const { rows } = await client.query(
    `SELECT CASE WHEN to_regnamespace($1) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege(to_regnamespace($1), 'CREATE') END AS may`,
    [client.escapeIdentifier(schema)],
  );
  if (!rows[0]?.may) throw wrong(`no right to create tables in the schema ${schema}; grant it`);
}

export function wrong(message: string): SinkError {
  return new SinkError(message, { retryable: true });
}
