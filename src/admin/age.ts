import type { Clock } from '../clock.js';

/** Milliseconds since then; 0 where there is none. Never negative: the wall clock may have been set back since. */
export function ageOf(receivedAt: number | undefined, clock: Clock): number {
  return receivedAt === undefined ? 0 : Math.max(0, clock.now() - receivedAt);
}
