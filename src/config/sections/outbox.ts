import type { JsonObject, JsonValue } from '../../core/json.js';
import type { OutboxConfig } from '../config.js';
import { type Context, mappingAt, warn } from '../context.js';
import { chosen, fitted, type Variant } from './variant.js';

/** Reads the `outbox` section. By default its database is in `dataDir`. */
export function readOutbox(
  value: JsonValue | undefined,
  context: Context,
): OutboxConfig | undefined {
  const written: JsonObject = { type: 'sqlite', ...mappingAt(value, '/outbox', context) };
  const type = chosen('outbox', written, '/outbox', context);
  if (type === undefined) return undefined;
  if (type === 'sqlite') written['path'] ??= `${context.dataDir}/outbox.db`;
  const outbox = fitted('outbox', type, written, '/outbox', context);
  if (outbox?.type === 'postgres') return { ...outbox, retention: retentionOf(outbox) };
  checkOutboxPath(written['path'], context);
  if (type === 'memory')
    warn(context, '/outbox', 'is in memory, so a restart loses all pending events');
  return outbox && { path: '', durability: 'normal', ...outbox, retention: retentionOf(outbox) };
}

/** A bare duration is the age. */
function retentionOf({ retention }: Variant<'outbox'>): OutboxConfig['retention'] {
  return typeof retention === 'number' ? { age: retention } : retention;
}

/** Rejects paths that SQLite or the system does not treat as a file. */
function checkOutboxPath(path: JsonValue | undefined, { problems }: Context): void {
  if (typeof path !== 'string') return;
  if (path === ':memory:') {
    problems.add(
      '/outbox/path',
      'is not a file; set outbox.type to memory to keep events in memory only',
    );
  } else if (/[/\\]$/.test(path)) {
    problems.add('/outbox/path', 'is a directory; add a file name');
  } else if (path.includes('\0')) {
    problems.add('/outbox/path', 'contains a NUL character');
  }
}
