import type { OutboxConfig } from '../config/config.js';
import { messageOf, TrackbridgeError } from '../core/errors.js';
import { mustBeWritable } from '../core/writable.js';
import { MemoryOutbox } from './memory/outbox.js';
import type { MoveSource, MoveTarget } from './move.js';
import type { Outbox } from './outbox.js';
import { checkPostgres } from './postgres/check.js';
import { openPostgresSource } from './postgres/move/source.js';
import { openPostgresTarget } from './postgres/move/target.js';
import { type PostgresDeps, PostgresOutbox } from './postgres/outbox.js';
import { refuseIrregular } from './sqlite/file/place.js';
import { storeBytes } from './sqlite/file/size.js';
import { openSqliteSource } from './sqlite/move/source.js';
import { openSqliteTarget } from './sqlite/move/target.js';
import { SqliteOutbox } from './sqlite/outbox.js';

/** Creates the outbox that the configuration selects, without opening it. */
export function createOutbox(config: OutboxConfig, deps: PostgresDeps): Outbox {
  switch (config.type) {
    case 'sqlite':
      return new SqliteOutbox(config, deps);
    case 'postgres':
      return new PostgresOutbox(config, deps);
    case 'memory':
      return new MemoryOutbox(config, deps);
  }
}

/** Returns the bytes of the outbox on this machine's disk; undefined if it has no file. */
export function outboxBytes(config: OutboxConfig): number | undefined {
  return config.type === 'sqlite' ? storeBytes(config.path) : undefined;
}

/** Opens the store of a stopped receiver, to move it. */
export async function openMoveSource(config: OutboxConfig): Promise<MoveSource> {
  if (config.type === 'sqlite') return openSqliteSource(config.path);
  if (config.type === 'postgres') return openPostgresSource(config);
  throw unmovable();
}

/** Opens the place to which a store is moved, where there is none yet. */
export async function openMoveTarget(config: OutboxConfig): Promise<MoveTarget> {
  if (config.type === 'sqlite') return openSqliteTarget(config.path);
  if (config.type === 'postgres') return openPostgresTarget(config);
  throw unmovable();
}

function unmovable(): TrackbridgeError {
  const message = 'outbox.type is memory, which keeps nothing; configure sqlite or postgres';
  return new TrackbridgeError('CONFIG_INVALID', message);
}

/**
 * Throws CONFIG_INVALID if there can be no outbox at this location; with `connect` also if this process may not write
 * there. Opens and changes nothing: a receiver may be running on it.
 */
export async function checkOutbox(
  config: OutboxConfig,
  connect: boolean,
): Promise<string | undefined> {
  if (config.type === 'memory') return undefined;
  if (config.type === 'postgres') return checkPostgres(config, connect);
  try {
    refuseIrregular(config.path);
    if (connect) await mustBeWritable(config.path);
    return undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      cause instanceof TrackbridgeError || code === undefined
        ? messageOf(cause)
        : `it cannot be written (${code})`;
    throw new TrackbridgeError('CONFIG_INVALID', `outbox.path: ${why}`, { cause });
  }
}
