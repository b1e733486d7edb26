import type { Clock } from '../core/clock.js';

/**
 * Returns the milliseconds since `receivedAt`; 0 if it is undefined. Never negative, although the wall clock may have
 * been set back since.
 */
export function ageOf(receivedAt: number | undefined, clock: Clock): number {
  return receivedAt === undefined ? 0 : Math.max(0, clock.now() - receivedAt);
}
