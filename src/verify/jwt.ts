import { decodeProtectedHeader, errors, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Clock } from '../clock.js';
import type { VerifyConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import type { Resolve } from '../outbound/connector.js';
import { bearerTokens } from './authorization.js';
import { type RemoteKeys, remoteKeys, unavailable } from './jwks.js';
import { publicAlgorithms, staticKey } from './jwt-key.js';
import type { Verdict, Verifier } from './verifier.js';

type JwtConfig = Extract<VerifyConfig, { scheme: 'jwt' }>;

/** Resolves where the token is good; rejects with jose's error where it is not, KEYS_UNAVAILABLE where nobody can say. */
type Check = (token: string, signal: AbortSignal) => Promise<unknown>;

/**
 * Scheme `jwt`: holds for all of a delivery where any `Authorization: Bearer` line is a JWT that verifies with one of the
 * algorithms, is within its `nbf` and `exp`, and has the issuer and audience where they are configured. Throws
 * CONFIG_INVALID where neither or both of `jwks` and `key` are given, or they do not fit the algorithms. `resolve` stands
 * in for DNS in tests.
 */
export function jwt(config: JwtConfig, clock: Clock, resolve?: Resolve): Verifier {
  const check =
    config.jwks === undefined ? staticCheck(config, clock) : remoteCheck(config, clock, resolve);
  return {
    scheme: config.scheme,
    async verify({ headers }, signal) {
      let verdict: Verdict = { holds: false, reason: 'no Authorization: Bearer header' };
      let outage: unknown;
      for (const token of bearerTokens(headers)) {
        try {
          await check(token, signal);
          return { holds: true, covers: 'all' };
        } catch (error) {
          // A second line may still be good, so the first one's fault is kept until all were tried.
          if (!isTokensFault(error)) {
            outage = error instanceof TrackbridgeError ? error : unavailable(error);
          } else verdict = { holds: false, reason: `bearer token: ${error.message}` };
        }
      }
      if (outage !== undefined) throw outage;
      return verdict;
    },
  };
}

function staticCheck(config: JwtConfig, clock: Clock): Check {
  if (config.key === undefined) throw invalid('verify with scheme jwt needs jwks or key');
  const { key, algorithms } = staticKey(config.key, config.algorithms);
  return (token) => jwtVerify(token, key, options(config, algorithms, clock));
}

function remoteCheck(config: JwtConfig, clock: Clock, resolve?: Resolve): Check {
  if (config.key !== undefined) throw invalid('verify with scheme jwt takes jwks or key, not both');
  const algorithms = publicAlgorithms(config.algorithms);
  const keys = remoteKeys(jwksUrl(config.jwks ?? ''), clock, {
    allowPrivate: config.allowPrivateAddresses ?? false,
    ...(resolve === undefined ? {} : { resolve }),
  });
  return async (token, signal) => {
    // What is no token of an allowed algorithm cannot become one by any key.
    const { alg = '' } = decodeHeader(token);
    if (!algorithms.includes(alg)) throw new errors.JOSEAlgNotAllowed('"alg" is not allowed');
    const asked = clock.monotonic();
    await keys.ready(signal);
    try {
      await verifyWithAny(token, keys, options(config, algorithms, clock));
    } catch (error) {
      if (!mayHaveRotated(error, token)) throw error;
      await keys.fetchedSince(asked, signal);
      await verifyWithAny(token, keys, options(config, algorithms, clock));
    }
  };
}

function decodeHeader(token: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(token);
  } catch (cause) {
    throw new errors.JWTInvalid('it is no JWT', { cause });
  }
}

function jwksUrl(text: string): URL {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) {
    throw invalid('verify.jwks is not an http or https URL');
  }
  const url = new URL(text);
  // fetch refuses such a URL at every delivery; say it once, at the start.
  if (url.username !== '' || url.password !== '') {
    throw invalid('verify.jwks cannot hold a user or password; a key set is public');
  }
  return url;
}

/** Tries every key that fits: a token without a key id may be of any of them. */
async function verifyWithAny(
  token: string,
  keys: RemoteKeys,
  how: JWTVerifyOptions,
): Promise<void> {
  try {
    await jwtVerify(token, keys.keyFor, how);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        await jwtVerify(token, key, how);
        return;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Whether newer keys could make the token good: its key id is unknown, or it names none and no key fits. */
function mayHaveRotated(error: unknown, token: string): boolean {
  if (error instanceof errors.JWKSNoMatchingKey) return true;
  return (
    error instanceof errors.JWSSignatureVerificationFailed &&
    decodeProtectedHeader(token).kid === undefined
  );
}

/** jose's errors are about the token, but for a published key that is no key. */
function isTokensFault(error: unknown): error is errors.JOSEError {
  return error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid);
}

function options(config: JwtConfig, algorithms: readonly string[], clock: Clock): JWTVerifyOptions {
  return {
    algorithms: [...algorithms],
    currentDate: new Date(clock.now()),
    ...(config.issuer === undefined ? {} : { issuer: config.issuer }),
    ...(config.audience === undefined ? {} : { audience: config.audience }),
  };
}

function invalid(message: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', message);
}
