import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { VerifyConfig } from '../../config/config.js';
import type { Clock } from '../../core/clock.js';
import { configInvalid, TrackbridgeError } from '../../core/errors.js';
import type { Resolve } from '../../core/outbound/connector.js';
import { HTTP, parseUrl } from '../../core/url.js';
import { bearerTokens } from '../authorization.js';
import type { Verdict, Verifier } from '../verifier.js';
import { type RemoteKeys, remoteKeys, unavailable } from './jwks.js';
import { publicAlgorithms, staticKey } from './key.js';
import { type JwtPolicy, jwtPolicy } from './policy.js';

type JwtConfig = Extract<VerifyConfig, { scheme: 'jwt' }>;

/**
 * Resolves if the token is valid. Rejects with jose's error if it is invalid, KEYS_UNAVAILABLE if that cannot be
 * determined.
 */
type Check = (token: string, signal: AbortSignal) => Promise<unknown>;

/**
 * Scheme `jwt`: authenticates the whole delivery if any `Authorization: Bearer` line is a JWT that verifies with one of
 * the algorithms, is within its `nbf`, `exp` and `maxTokenAge`, and has the configured type, issuer and audience.
 * Throws CONFIG_INVALID if neither or both of `jwks` and `key` are given, or if they do not fit the algorithms.
 * `resolve` replaces DNS in tests.
 */
export function jwt(config: JwtConfig, clock: Clock, resolve?: Resolve): Verifier {
  const policy = jwtPolicy(config, clock);
  const check =
    config.jwks === undefined
      ? staticCheck(config, policy)
      : remoteCheck(config, policy, clock, resolve);
  return {
    scheme: config.scheme,
    async verify({ headers }, signal) {
      let verdict: Verdict = { passed: false, reason: 'no Authorization: Bearer header' };
      let outage: unknown;
      for (const token of bearerTokens(headers)) {
        try {
          await check(token, signal);
          return { passed: true, covers: 'all' };
        } catch (error) {
          // A second line may still be valid, so the first error is kept until every line was tried.
          if (!isTokensFault(error)) {
            outage = error instanceof TrackbridgeError ? error : unavailable(error);
          } else verdict = { passed: false, reason: `bearer token: ${error.message}` };
        }
      }
      if (outage !== undefined) throw outage;
      return verdict;
    },
  };
}

function staticCheck(config: JwtConfig, policy: JwtPolicy): Check {
  if (config.key === undefined) throw configInvalid('verify with scheme jwt requires jwks or key');
  const { key, algorithms } = staticKey(config.key, config.algorithms);
  return async (token) => {
    policy.admit(token, algorithms);
    policy.settle((await jwtVerify(token, key, policy.options(algorithms))).payload);
  };
}

function remoteCheck(config: JwtConfig, policy: JwtPolicy, clock: Clock, resolve?: Resolve): Check {
  if (config.key !== undefined)
    throw configInvalid('verify with scheme jwt accepts jwks or key, not both');
  const algorithms = publicAlgorithms(config.algorithms);
  const keys = remoteKeys(jwksUrl(config.jwks ?? ''), clock, {
    allowPrivate: config.allowPrivateAddresses ?? false,
    ...(resolve === undefined ? {} : { resolve }),
  });
  return async (token, signal) => {
    policy.admit(token, algorithms);
    const verify = async (): Promise<void> =>
      policy.settle(await verifyWithAny(token, keys, policy.options(algorithms)));
    const asked = clock.monotonic();
    await keys.ready(signal);
    try {
      await verify();
    } catch (error) {
      if (!mayHaveRotated(error)) throw error;
      await keys.fetchedSince(asked, signal);
      await verify();
    }
  };
}

function jwksUrl(text: string): URL {
  const url = parseUrl(text, HTTP);
  if (url === undefined) throw configInvalid('verify.jwks is not an http or https URL');
  // fetch rejects such a URL on every delivery; report it once, at startup.
  if (url.username !== '' || url.password !== '') {
    throw configInvalid('verify.jwks must not contain a user or password; a key set is public');
  }
  return url;
}

/** Tries every key that fits, because a token without a key id may be signed with any of them. */
async function verifyWithAny(
  token: string,
  keys: RemoteKeys,
  how: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys.keyFor, how)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, how)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/**
 * Whether newer keys could verify the token: its key id is unknown, or the signature is invalid. A known key id is no
 * exception, because some issuers replace a key under the same id. The cooldown between two fetches limits how many
 * fetches forged tokens can cause.
 */
function mayHaveRotated(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWSSignatureVerificationFailed
  );
}

/** Every error of jose is about the token, except JWKSInvalid, which is about the published keys. */
function isTokensFault(error: unknown): error is errors.JOSEError {
  return error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid);
}
