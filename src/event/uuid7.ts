import { randomFillSync } from 'node:crypto';

/** Makes UUIDv7 texts for a moment in milliseconds since the epoch. */
export type Uuid7 = (now: number) => string;

/** Fills the given bytes with random ones. */
export type FillRandom = (bytes: Uint8Array) => void;

const RANDOM_BYTES = 10;
/** Every delivery and some events need an id. Drawing and writing 256 ids at once takes a fraction of 256 times one. */
const IDS_A_DRAW = 256;

/**
 * A maker of UUIDs of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits. Ids of the same
 * millisecond are unordered. `fill` is for tests; the default is the system's generator.
 */
export function createUuid7(fill: FillRandom = randomFillSync): Uuid7 {
  const pool = Buffer.allocUnsafe(RANDOM_BYTES * IDS_A_DRAW);
  let digits = '';
  let next = 0;
  /** The last moment, and how an id of it begins. Many deliveries arrive in the same millisecond. */
  let last = Number.NaN;
  let start = '';

  return (now) => {
    if (next === digits.length) {
      fill(pool);
      for (let at = 0; at < pool.length; at += RANDOM_BYTES) {
        pool[at] = 0x70 | ((pool[at] ?? 0) & 0x0f);
        pool[at + 2] = 0x80 | ((pool[at + 2] ?? 0) & 0x3f);
      }
      digits = pool.toString('hex');
      next = 0;
    }
    if (now !== last) {
      const time = Math.max(0, Math.floor(now)).toString(16).padStart(12, '0').slice(-12);
      start = `${time.slice(0, 8)}-${time.slice(8)}`;
      last = now;
    }
    const from = next;
    next += 2 * RANDOM_BYTES;
    return `${start}-${digits.slice(from, from + 4)}-${digits.slice(from + 4, from + 8)}-${digits.slice(from + 8, next)}`;
  };
}
