import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { JwtOptions } from '../../config/config.js';
import type { Clock } from '../../core/clock.js';

/** The default values of `typ` (RFC 7519, RFC 9068). Other types, such as logout tokens, serve another purpose. */
const ACCESS_TYPES = ['jwt', 'at+jwt'];

/** Milliseconds. Clocks differ by seconds, and both vendors drop the event on a 401. */
const LEEWAY = 60_000;

/** The requirements on a token besides its signature. */
export interface JwtPolicy {
  /** Returns jose's options for the current time: issuer, audience, times and the given algorithms. */
  options(algorithms: readonly string[]): JWTVerifyOptions;
  /**
   * Throws a JOSEError for a token that no key could make valid, before any key is used: it is not a JWT, or its
   * algorithm or type is not accepted.
   */
  admit(token: string, algorithms: readonly string[]): void;
  /** Throws a JOSEError if the claims of a signed token never expire. */
  settle(claims: JWTPayload): void;
}

/** Builds the policy from the options of scheme `jwt` or of `admin.jwt`. */
export function jwtPolicy(config: JwtOptions, clock: Clock): JwtPolicy {
  const { audience, issuer, leeway = LEEWAY, maxTokenAge, requireExp = true, typ } = config;
  const types = typ === undefined ? ACCESS_TYPES : [normal(typ)];
  return {
    options: (algorithms) => ({
      algorithms: [...algorithms],
      currentDate: new Date(clock.now()),
      clockTolerance: leeway / 1000,
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
      ...(maxTokenAge !== undefined && { maxTokenAge: maxTokenAge / 1000 }),
    }),

    admit(token, algorithms) {
      const header = decodeHeader(token);
      if (typeof header.alg !== 'string' || !algorithms.includes(header.alg)) {
        throw new errors.JOSEAlgNotAllowed('"alg" is not allowed');
      }
      // If `typ` is configured, the token must state its type.
      if (header.typ === undefined && typ === undefined) return;
      if (typeof header.typ !== 'string' || !types.includes(normal(header.typ))) {
        throw new errors.JWTInvalid('"typ" is unexpected; set typ to accept such tokens');
      }
    },

    settle(claims) {
      if (!requireExp || maxTokenAge !== undefined) return;
      // JSON allows numbers beyond a double's range, which jose reads as a time that never comes.
      if (Number.isFinite(claims.exp)) return;
      throw new errors.JWTClaimValidationFailed(
        '"exp" is missing; set maxTokenAge, or requireExp: false, to accept tokens without it',
        claims,
        'exp',
        'missing',
      );
    },
  };
}

function decodeHeader(token: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(token);
  } catch (cause) {
    throw new errors.JWTInvalid('it is not a JWT', { cause });
  }
}

/** Media types compare case-insensitively and without `application/` (RFC 7515 section 4.1.9). */
function normal(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '');
}
