import { randomUUID } from 'node:crypto';
import { TrackbridgeError } from '../../../core/errors.js';
import type { Database, Session } from '../connection/database.js';
import { COMPATIBLE, MIGRATIONS, MOVED } from './migrations.js';

/** The comment of a schema that holds a store: who finds it on an empty schema knows that tables are missing. */
const MARK = 'Trackbridge outbox';

export interface StoreFacts {
  readonly id: string;
  readonly partitions: number;
}

/** Returns an SQL identifier. */
export function quotedIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Creates the store, or brings it to this program's version. Members of both versions may run meanwhile. `created` adds
 * to a new store in the same transaction. Throws START_FAILED if a newer program has changed the store, or if it was
 * moved or is only partly moved; OUTBOX_CORRUPT if its tables are gone.
 */
export function migrate(
  database: Database,
  schema: string,
  partitions: number,
  created?: (session: Session) => Promise<void>,
): Promise<StoreFacts> {
  const quoted = quotedIdentifier(schema);
  return database.transact(async (session) => {
    // Released with the transaction. Members that start at the same time take turns.
    await session.run('SELECT pg_advisory_xact_lock(hashtext($1))', [`trackbridge ${schema}`]);
    const known = await stateOf(session, quoted);
    if (known === 'none') {
      await create(session, schema, partitions);
      await created?.(session);
    } else if (known.version === MOVED) {
      throw new TrackbridgeError(
        'START_FAILED',
        `the store in schema ${schema} was moved to another one; use that, or drop the schema`,
      );
    } else if (known.isMoving) {
      throw new TrackbridgeError(
        'START_FAILED',
        `the move of a store into schema ${schema} was interrupted; finish it with trackbridge outbox migrate`,
      );
    } else if (known.version > MIGRATIONS.length && known.compatible > MIGRATIONS.length) {
      throw new TrackbridgeError(
        'START_FAILED',
        `the store in schema ${schema} has version ${known.version}, which this program (${MIGRATIONS.length}) cannot use; upgrade Trackbridge`,
      );
    } else {
      await upgrade(session, quoted, known.version);
    }
    const [store] = await session.run(`SELECT id, partitions FROM ${quoted}.store`);
    return { id: String(store?.['id']), partitions: Number(store?.['partitions']) };
  });
}

interface StoreState {
  readonly version: number;
  readonly compatible: number;
  /** A move into the store is not complete. */
  readonly isMoving: boolean;
}

async function stateOf(session: Session, quoted: string): Promise<'none' | StoreState> {
  const [found] = await session.run(
    `SELECT to_regclass($1) IS NOT NULL AS there, to_regclass($3) IS NOT NULL AS moving, obj_description(to_regnamespace($2), 'pg_namespace') AS mark`,
    [`${quoted}.store`, quoted, `${quoted}.moving`],
  );
  if (found?.['there'] !== true) {
    if (found?.['mark'] !== MARK) return 'none';
    throw new TrackbridgeError(
      'OUTBOX_CORRUPT',
      `the schema ${quoted} held a store, but its tables are gone; restore it from a backup, or drop the schema to start with an empty one`,
    );
  }
  const [store] = await session.run(`SELECT version, compatible FROM ${quoted}.store`);
  if (store === undefined) {
    throw new TrackbridgeError(
      'OUTBOX_CORRUPT',
      `the store in schema ${quoted} is empty; restore it from a backup, or drop the schema to start with an empty one`,
    );
  }
  return {
    version: Number(store['version']),
    compatible: Number(store['compatible']),
    isMoving: found['moving'] === true,
  };
}

async function create(session: Session, schema: string, partitions: number): Promise<void> {
  const quoted = quotedIdentifier(schema);
  const [there] = await session.run('SELECT to_regnamespace($1) IS NOT NULL AS there', [quoted]);
  // CREATE SCHEMA IF NOT EXISTS requires the right to create a schema even if it exists.
  if (there?.['there'] !== true) await session.run(`CREATE SCHEMA ${quoted}`);
  await session.run(`COMMENT ON SCHEMA ${quoted} IS '${MARK}'`);
  for (const migration of MIGRATIONS) await session.run(migration(quoted));
  await session.run(
    `INSERT INTO ${quoted}.store (id, version, compatible, partitions) VALUES ($1, $2, $3, $4)`,
    [randomUUID(), MIGRATIONS.length, COMPATIBLE, partitions],
  );
}

async function upgrade(session: Session, quoted: string, version: number): Promise<void> {
  const missing = MIGRATIONS.slice(version);
  if (missing.length === 0) return;
  for (const migration of missing) await session.run(migration(quoted));
  await session.run(`UPDATE ${quoted}.store SET version = $1, compatible = $2`, [
    MIGRATIONS.length,
    COMPATIBLE,
  ]);
}
