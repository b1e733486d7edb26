export interface BackoffConfig {
  /** Milliseconds before the second attempt. */
  readonly initial: number;
  /** Milliseconds that no wait exceeds, unless the far side asked for more. */
  readonly max: number;
}

// 2^52 times a millisecond is past every `max`; a larger power would reach Infinity, and 0 times that is NaN.
const LARGEST_POWER = 52;

/**
 * Milliseconds to wait after the `failures`-th failed attempt in a row (1 is the first): doubled each time up to `max`,
 * of which a random half is taken off. Half stays, so that a sink in trouble is never hammered by a lucky draw; half
 * varies, so that lanes which failed together do not come back together. `random` is uniform in [0, 1).
 */
export function backoff(failures: number, config: BackoffConfig, random: () => number): number {
  const power = Math.min(Math.max(failures - 1, 0), LARGEST_POWER);
  const ceiling = Math.min(config.initial * 2 ** power, config.max);
  return ceiling / 2 + (ceiling / 2) * random();
}

/**
 * The wait after `failures` attempts where the far side may have asked for a time of its own: the longer of the two, but
 * never past `left`, the milliseconds until the event is given up, when it gets its last attempt.
 */
export function waitAfter(
  failures: number,
  config: BackoffConfig,
  random: () => number,
  asked: { readonly retryAfter: number; readonly left: number },
): number {
  const retryAfter = Number.isFinite(asked.retryAfter) ? asked.retryAfter : 0;
  const wait = Math.max(backoff(failures, config, random), retryAfter);
  return Math.max(Math.min(wait, asked.left), 0);
}
