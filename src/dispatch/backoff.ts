export interface BackoffConfig {
  /** Milliseconds before the second attempt. */
  readonly initial: number;
  /** The longest wait in milliseconds, unless the server asks for a longer one. */
  readonly max: number;
}

// 2^52 milliseconds exceeds every `max`. A larger power would reach Infinity, and 0 times Infinity is NaN.
const LARGEST_POWER = 52;

/**
 * Returns the milliseconds to wait after the `failures`-th failed attempt in a row (the first is 1). The wait doubles
 * each time up to `max`. Jitter subtracts up to half of it, so that lanes that failed together do not retry together; the
 * other half protects a failing sink from a burst of attempts. `random` is uniform in [0, 1).
 */
export function backoff(failures: number, config: BackoffConfig, random: () => number): number {
  const power = Math.min(Math.max(failures - 1, 0), LARGEST_POWER);
  const ceiling = Math.min(config.initial * 2 ** power, config.max);
  return ceiling / 2 + (ceiling / 2) * random();
}

/**
 * Returns the longer of the backoff and the wait that the server asked for. It is at most `left`, the milliseconds until
 * the event is given up, because the event gets its last attempt then.
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
