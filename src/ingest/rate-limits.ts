import type { Clock } from '../core/clock.js';
import { RateLimit } from '../core/rate-limit.js';
import type { Source } from '../sources/source.js';

/** Unauthenticated senders have a rate limit of their own, so that they cannot use up the vendor's. */
export type RateLimited = 'authenticated' | 'unauthenticated';

/**
 * Admits one delivery of a source under its `rateLimit` and returns 0, or returns the milliseconds until the next one
 * may pass. A promise if the limits belong to another process.
 */
export type TakeRate = (source: string, of: RateLimited) => number | Promise<number>;

/**
 * Creates the rate limits of the sources that have one. They are divided by the number of processes that `receivers`
 * returns.
 */
export function createRateLimits(
  sources: readonly Source[],
  clock: Clock,
  receivers: () => number = () => 1,
): (source: string, of: RateLimited) => number {
  const limits = new Map(
    sources.flatMap(({ name, config: { rateLimit } }) => {
      if (rateLimit === undefined) return [];
      const create = (): RateLimit => new RateLimit(rateLimit, clock);
      return [[name, { authenticated: create(), unauthenticated: create() }] as const];
    }),
  );
  return (source, of) => {
    const limit = limits.get(source)?.[of];
    limit?.divide(receivers());
    return limit?.take() ?? 0;
  };
}
