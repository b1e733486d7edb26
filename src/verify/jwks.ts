import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../clock.js';
import { TrackbridgeError } from '../errors.js';
import type { Resolve } from '../outbound/connector.js';

/** How old a key set may grow before it is fetched again, so that a key taken back is not trusted for long. */
const MAX_AGE = 600_000;
/**
 * The least time between two fetches, so that forged tokens with made-up key ids cannot make a flood of them. Whoever
 * needs a newer set waits this out, so it must fit well into the five seconds a sender allows.
 */
const COOLDOWN = 1_000;
/** What one fetch may take; with the cooldown before it, still well within a sender's five seconds. */
const FETCH_TIMEOUT = 2_000;

/** The keys behind a JWKS URL, fetched when needed and shared by all deliveries. */
export interface RemoteKeys {
  /** jose's way to the key of a token. Call it after `ready`. */
  readonly keyFor: JWTVerifyGetKey;
  /** Resolves once there is a set to look in. A set that is too old is still used where it cannot be fetched again. */
  ready(signal: AbortSignal): Promise<void>;
  /** Resolves once the set is from a fetch that began at or after this moment of `clock.monotonic()`. */
  fetchedSince(moment: number, signal: AbortSignal): Promise<void>;
}

/** Where a key set may be fetched from. */
export interface Reach {
  /** Also names that resolve into the operator's own network. */
  readonly allowPrivate: boolean;
  /** Stands in for DNS in tests. */
  readonly resolve?: Resolve;
}

/**
 * Both methods reject with KEYS_UNAVAILABLE where the set cannot be had (network, timeout, status, content) or `signal`
 * aborts meanwhile; the fetch itself goes on for the deliveries that wait for it too.
 *
 * jose's own refetch is switched off: within its cooldown it calls an unknown key id wrong without looking, and a 401
 * makes the sender drop an event that a freshly rotated key has signed.
 */
export function remoteKeys(url: URL, clock: Clock, reach: Reach): RemoteKeys {
  const set = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT,
    cooldownDuration: Number.POSITIVE_INFINITY,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    // Loaded when first asked for: most receivers fetch no keys, and a client is several megabytes of memory.
    [customFetch]: async (...request) => {
      const { fetchKeys } = await import('./jwks-fetch.js');
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
      // Once a fetch has failed, deliveries no longer wait for the next: the set at hand serves the outage.
      if (!failing) await ignored;
    },
    async fetchedSince(moment, signal) {
      while (fetched < moment) {
        try {
          await unlessAborted(refresh(), signal);
        } catch (error) {
          // A fetch that was under way already may have failed in an outage that is over by now.
          if (signal.aborted || attempted >= moment) throw error;
        }
      }
    },
  };
}

/** The 503 that makes a sender come again: with the keys missing nobody can say whether its token is good. */
export function unavailable(cause: unknown): TrackbridgeError {
  const why =
    cause instanceof errors.JOSEError ? 'answered without a usable key set' : 'cannot be reached';
  return new TrackbridgeError(
    'KEYS_UNAVAILABLE',
    `the JWKS endpoint ${why}; the delivery can be sent again`,
    { cause, retryAfter: COOLDOWN },
  );
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(unavailable(signal.reason));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
