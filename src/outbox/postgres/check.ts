import { systemClock } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import { Database, type Row } from './connection/database.js';
import { loadDriver } from './connection/driver.js';
import { hostsOf } from './connection/hosts.js';
import type { PostgresOptions } from './options.js';
import { copiesOf } from './replicas.js';
import { quotedIdentifier } from './schema/migrate.js';

/** The oldest version with `xid8`. */
const OLDEST = 130_000;

/**
 * Throws CONFIG_INVALID if there can be no store there; with `connect` also if the server, its settings or the rights of
 * the user do not allow it. Changes nothing. Resolves to one line about the server if it was asked.
 */
export async function checkPostgres(
  options: Pick<PostgresOptions, 'url' | 'schema' | 'partitions' | 'durability' | 'replicas'>,
  connect: boolean,
): Promise<string | undefined> {
  hostsOf(options.url);
  await loadDriver();
  if (!connect) return undefined;
  const database = new Database(options.url, 1, 'trackbridge check', systemClock);
  try {
    const facts = await readServer(database, options.schema);
    const problem = problemOf(facts, options);
    if (problem === undefined) return describe(facts, options);
    throw new TrackbridgeError('CONFIG_INVALID', `outbox: ${problem}`);
  } finally {
    await database.close();
  }
}

/** Reads the facts about a server that decide whether it can keep a store. */
export async function readServer(database: Database, schema: string): Promise<Row> {
  const quoted = quotedIdentifier(schema);
  const [facts] = await database.run(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::integer AS number,
       current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS commits, current_setting('full_page_writes') AS pages,
       current_setting('synchronous_standby_names') AS standbys,
       (SELECT count(*)::integer FROM pg_stat_replication) AS connected,
       (SELECT count(*)::integer FROM pg_stat_replication WHERE sync_state = 'async') AS asynchronous,
       to_regnamespace($1) IS NOT NULL AS there, to_regclass($2) IS NOT NULL AS has_store,
       CASE WHEN to_regnamespace($1) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
         ELSE has_schema_privilege(to_regnamespace($1), 'CREATE') AND has_schema_privilege(to_regnamespace($1), 'USAGE') END AS may_create`,
    [quoted, `${quoted}.store`],
  );
  if (facts?.['has_store'] !== true) return facts ?? {};
  const [store] = await database.run(`SELECT partitions FROM ${quoted}.store`);
  return { ...facts, partitions: store?.['partitions'] };
}

/** Returns why a server cannot keep a store with these options; undefined if it can. */
export function problemOf(
  facts: Row,
  {
    durability,
    partitions,
    replicas = 1,
    schema,
  }: Pick<PostgresOptions, 'durability' | 'partitions' | 'replicas' | 'schema'>,
): string | undefined {
  if (Number(facts['number']) < OLDEST) {
    return `the server has version ${facts['version']}; PostgreSQL 13 or newer is required`;
  }
  if (facts['encoding'] !== 'UTF8') {
    return `the database has the encoding ${facts['encoding']}; it must be UTF8`;
  }
  if (durability === 'full') {
    for (const [setting, name] of DURABLE) {
      if (facts[name] !== 'off') continue;
      return `the server has ${setting} = off, so a power failure loses acknowledged events; turn it on, or set outbox.durability to normal`;
    }
  }
  const copies = copiesOf(String(facts['standbys']), String(facts['commits']));
  if (copies < replicas) {
    return `outbox.replicas is ${replicas}, but the server acknowledges a commit that ${copies === 1 ? 'only its own disk holds' : `${copies} servers hold`}; set synchronous_standby_names, for instance to FIRST ${replicas - 1} (*), and synchronous_commit to on`;
  }
  const connected = Number(facts['connected']);
  if (connected < replicas - 1) {
    return `outbox.replicas is ${replicas}, but ${connected === 0 ? 'no standby is' : `only ${connected} standbys are`} connected to the server, so every commit waits; start ${replicas - 1 - connected} more`;
  }
  if (facts['may_create'] !== true) {
    const where = facts['there'] === true ? `in the schema ${schema}` : 'a schema in the database';
    return `the user may not create ${facts['there'] === true ? 'tables ' : ''}${where}; grant it`;
  }
  if (facts['partitions'] !== undefined && Number(facts['partitions']) !== partitions) {
    return `partitions is ${partitions}, but the store was created with ${facts['partitions']}; set outbox.partitions to ${facts['partitions']}`;
  }
  return undefined;
}

/** Describes a server that can keep a store. */
function describe(
  facts: Row,
  { partitions, schema }: Pick<PostgresOptions, 'partitions' | 'schema'>,
): string {
  const standbys = facts['standbys'] === '' ? 'none' : String(facts['standbys']);
  const asynchronous = Number(facts['asynchronous']);
  const risk =
    asynchronous === 0
      ? ''
      : ` (${asynchronous} asynchronous standby${asynchronous === 1 ? ' is' : 's are'} connected: to promote one can lose acknowledged events)`;
  const store =
    facts['has_store'] === true
      ? `the store in schema ${schema} has`
      : `schema ${schema} has no store yet; the first start creates it with`;
  return `PostgreSQL ${facts['version']}, fsync ${facts['fsync']}, synchronous_commit ${facts['commits']}, synchronous standbys: ${standbys}${risk}; ${store} ${partitions} partitions`;
}

const DURABLE = [
  ['fsync', 'fsync'],
  ['synchronous_commit', 'commits'],
  ['full_page_writes', 'pages'],
] as const;
