import { isDeepStrictEqual } from 'node:util';
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

export interface RateLimitsDeps {
  readonly clock: Clock;
  /** The number of processes among which the limits are divided. Default: 1. */
  readonly receivers?: () => number;
}

/** The rate limits of the sources that have one. */
export class RateLimits {
  readonly #limits = new Map<string, SourceLimits>();
  readonly #receivers: () => number;

  /** A source whose `rateLimit` is the same as in `before` goes on with what it has admitted there. */
  constructor(sources: readonly Source[], deps: RateLimitsDeps, before?: RateLimits) {
    const { clock, receivers = () => 1 } = deps;
    this.#receivers = receivers;
    for (const { name, config } of sources) {
      const { rateLimit } = config;
      if (rateLimit === undefined) continue;
      const known = before === undefined ? undefined : before.#limits.get(name);
      const create = (): RateLimit => new RateLimit(rateLimit, clock);
      this.#limits.set(
        name,
        known !== undefined && isDeepStrictEqual(known.rateLimit, rateLimit)
          ? known
          : { rateLimit, authenticated: create(), unauthenticated: create() },
      );
    }
  }

  /** See `TakeRate`. A source that is unknown has no limit. */
  take(source: string, of: RateLimited): number {
    const limit = this.#limits.get(source)?.[of];
    limit?.divide(this.#receivers());
    return limit?.take() ?? 0;
  }
}

interface SourceLimits {
  readonly rateLimit: Source['config']['rateLimit'];
  readonly authenticated: RateLimit;
  readonly unauthenticated: RateLimit;
}
