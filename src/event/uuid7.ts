import { randomFillSync } from 'node:crypto';

/** Makes UUIDv7 texts for a moment in milliseconds since the epoch. */
export type Uuid7 = (now: number) => string;

/** Fills the bytes it is given with random ones. */
export type FillRandom = (bytes: Uint8Array) => void;

const RANDOM_BYTES = 10;
// One id is made per delivery and some per event: a draw of 256 ids at once costs a hundredth of 256 draws.
const IDS_A_DRAW = 256;

/**
 * A maker of UUIDs of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits. Ids of one
 * millisecond are in no order. `fill` is there for tests; the default is the system's generator.
 */
export function createUuid7(fill: FillRandom = randomFillSync): Uuid7 {
  const pool = Buffer.allocUnsafe(RANDOM_BYTES * IDS_A_DRAW);
  let next = pool.length;

  return (now) => {
    if (next === pool.length) {
      fill(pool);
      next = 0;
    }
    const random = pool.subarray(next, next + RANDOM_BYTES);
    next += RANDOM_BYTES;
    random[0] = 0x70 | ((random[0] ?? 0) & 0x0f);
    random[2] = 0x80 | ((random[2] ?? 0) & 0x3f);
    const tail = random.toString('hex');
    const time = Math.max(0, Math.floor(now)).toString(16).padStart(12, '0').slice(-12);
    return `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`;
  };
}
