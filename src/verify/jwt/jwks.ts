import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { type Clock, within } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import type { Reach } from './fetch.js';

/** Maximum age of a key set before it is refetched, so that a revoked key is not trusted for long. Milliseconds. */
const MAX_AGE = 600_000;
/**
 * Minimum time between two fetches, so that forged tokens with invented key ids cannot cause a flood of them. A
 * delivery that needs a newer set waits for it, so it must fit well within the five seconds a sender allows.
 */
const COOLDOWN = 1_000;
/** Time limit of one fetch. Together with the cooldown before it, it stays well within a sender's five seconds. */
const FETCH_TIMEOUT = 2_000;

/** The keys at a JWKS URL, fetched on demand and shared by all deliveries. */
export interface RemoteKeys {
  /** Finds the key of a token, for jose. Call it after `ready`. */
  readonly keyFor: JWTVerifyGetKey;
  /** Resolves once a key set is available. A set that is too old stays in use if it cannot be refetched. */
  ready(signal: AbortSignal): Promise<void>;
  /** Resolves once the set comes from a fetch that began at or after `moment`, a time of `clock.monotonic()`. */
  fetchedSince(moment: number, signal: AbortSignal): Promise<void>;
}

/**
 * Both methods reject with KEYS_UNAVAILABLE if the set cannot be fetched (network, timeout, status, content) or if
 * `signal` aborts first. An abort does not stop the fetch: other deliveries may be waiting for it.
 *
 * jose's own refetch is disabled. Within its cooldown jose rejects an unknown key id without a fetch, and the resulting
 * 401 makes the sender drop an event signed by a freshly rotated key.
 */
export function remoteKeys(url: URL, clock: Clock, reach: Reach): RemoteKeys {
  const set = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT,
    cooldownDuration: Number.POSITIVE_INFINITY,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    // Loaded on first use: most receivers fetch no keys, and the HTTP client takes several megabytes of memory.
    [customFetch]: async (...request) => {
      const { fetchKeys } = await import('./fetch.js');
      return await fetchKeys(url, reach)(...request);
    },
  });
  let attempted = Number.NEGATIVE_INFINITY;
  let fetched = Number.NEGATIVE_INFINITY;
  let failing = false;
  let underWay: Promise<void> | undefined;

  const fetchSet = async (): Promise<void> => {
    const wait = attempted + COOLDOWN - clock.monotonic();
    if (wait > 0) await clock.sleep(wait);
    attempted = clock.monotonic();
    try {
      await set.reload();
      fetched = attempted;
      failing = false;
    } catch (cause) {
      failing = true;
      throw unavailable(cause);
    } finally {
      underWay = undefined;
    }
  };
  const refresh = (): Promise<void> => {
    underWay ??= fetchSet();
    return underWay;
  };

  return {
    keyFor: set,
    async ready(signal) {
      const age = clock.monotonic() - fetched;
      if (age === Number.POSITIVE_INFINITY) return unlessAborted(refresh(), signal);
      if (age <= MAX_AGE) return;
      const ignored = unlessAborted(refresh(), signal).catch(() => undefined);
      // Once a fetch has failed, deliveries no longer wait for the next one. They use the set at hand during the
      // outage.
      if (!failing) await ignored;
    },
    async fetchedSince(moment, signal) {
      while (fetched < moment) {
        try {
          await unlessAborted(refresh(), signal);
        } catch (error) {
          // A fetch that was already under way may have failed in an outage that has ended since.
          if (signal.aborted || attempted >= moment) throw error;
        }
      }
    },
  };
}

/** The 503 that makes a sender retry. Without the keys the token can be neither accepted nor rejected. */
export function unavailable(cause: unknown): TrackbridgeError {
  const why = cause instanceof errors.JOSEError ? 'returned no usable key set' : 'is unreachable';
  return new TrackbridgeError('KEYS_UNAVAILABLE', `the JWKS endpoint ${why}; retry the delivery`, {
    cause,
    retryAfter: COOLDOWN,
  });
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return within(work, signal, () => {
    throw unavailable(signal.reason);
  });
}
