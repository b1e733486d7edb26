import { Buffer } from 'node:buffer';
import { TrackbridgeError } from '../errors.js';
import type { NewQuarantined } from './outbox.js';

/** Bytes of an entry that count as one: many times what vendors send, so that real deliveries count as they are. */
const BYTES_EACH = 16 * 1024;

/**
 * As how many an entry counts towards `NewDelivery.unauthenticatedLimit`: one for each 16 kB begun, and none where it is in
 * quarantine for another reason. A number alone would let entries of the size of `server.bodyLimit` fill a disk.
 */
export function unauthenticatedWeight(
  entry: Pick<NewQuarantined, 'reason' | 'raw' | 'delivery'>,
): number {
  if (entry.reason !== 'unauthenticated') return 0;
  const bytes = Buffer.byteLength(entry.raw) + Buffer.byteLength(entry.delivery);
  return Math.max(1, Math.ceil(bytes / BYTES_EACH));
}

/** Whether a source would go over the limit with these entries of a delivery; `kept` is the weight of what a source has there. */
export function exceedsUnauthenticated(
  entries: readonly NewQuarantined[],
  limit: number,
  kept: (source: string) => number,
): boolean {
  const weights = new Map<string, number>();
  for (const entry of entries) {
    const weight = unauthenticatedWeight(entry);
    if (weight > 0) weights.set(entry.source, (weights.get(entry.source) ?? 0) + weight);
  }
  for (const [source, weight] of weights) if (kept(source) + weight > limit) return true;
  return false;
}

/** Asks for more patience than other limits: only an operator makes room here, and vendors try for hours. */
const RETRY_AFTER = 30_000;

export function unauthenticatedFull(): TrackbridgeError {
  return new TrackbridgeError(
    'QUARANTINE_FULL',
    "the source's quarantine holds as many unauthenticated events as its unauthenticatedLimit allows; correct its secret," +
      ' then replay or purge them',
    { retryAfter: RETRY_AFTER },
  );
}
