import { Buffer } from 'node:buffer';
import { TrackbridgeError } from '../core/errors.js';
import type { NewQuarantined } from './intake.js';

/**
 * An entry counts as one per this many bytes: many times what vendors send, so that every real delivery counts as one.
 */
const BYTES_EACH = 16 * 1024;

/**
 * Returns the weight of an entry towards `NewDelivery.unauthenticatedLimit`: one per 16 kB or part of it, and zero if
 * it is in quarantine for another reason. A limit on the number alone would let entries of the size of
 * `server.bodyLimit` fill a disk.
 */
export function unauthenticatedWeight(
  entry: Pick<NewQuarantined, 'reason' | 'raw' | 'delivery'>,
): number {
  if (entry.reason !== 'unauthenticated') return 0;
  return weightOf(entry.reason, Buffer.byteLength(entry.raw) + Buffer.byteLength(entry.delivery));
}

/** Returns the weight of an entry from the total size of its texts in bytes. */
export function weightOf(reason: string, bytes: number): number {
  return reason === 'unauthenticated' ? Math.max(1, Math.ceil(bytes / BYTES_EACH)) : 0;
}

/**
 * Returns whether these entries of a delivery exceed a source's limit. `kept` is the weight of the source's stored
 * entries.
 */
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

/** Longer than for other limits: only an operator makes room here, and vendors retry for hours. */
const RETRY_AFTER = 30_000;

export function unauthenticatedFull(): TrackbridgeError {
  return new TrackbridgeError(
    'QUARANTINE_FULL',
    "the source's quarantine is at its unauthenticatedLimit; correct its secret," +
      ' then replay or purge them',
    { retryAfter: RETRY_AFTER },
  );
}
