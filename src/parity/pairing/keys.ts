import type { Entry } from '../entry.js';
import type { Side } from '../settings.js';

/** Returns the key of an entry in a column; undefined if it has none. */
export function keyOf(
  entry: Entry,
  column: 'message' | 'correlation' | 'full',
): number | undefined {
  const { correlation, messageId } = entry.fingerprint;
  return { message: messageId, correlation, full: entry.full }[column];
}

/** Returns the number of anonymousIds on a side. */
export function visitorsOf(entries: readonly Entry[], on: Side): number {
  const own = entries.filter(({ side }) => side === on);
  return new Set(own.map(({ fingerprint }) => fingerprint.anonymousId)).size;
}
