import { createSecretKey } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { OAuthConfig } from '../../../config/config.js';
import type { Clock } from '../../../core/clock.js';

const ALGORITHM = 'HS256';
/** RFC 9068: keeps other kinds of tokens from being accepted. */
const TYPE = 'at+jwt';

/** The access tokens of one source. Nothing is stored: the signature alone proves them. */
export interface AccessTokens {
  /** Lifetime of a token in whole seconds. */
  readonly seconds: number;
  /** Issues a token for this client. */
  issue(client: string, scope: string): Promise<string>;
  /** Whether it was issued here, or on another machine of the same configuration, and has not expired. */
  isValid(token: string): Promise<boolean>;
}

/** Each token names `source`, so that two sources with the same secret do not accept each other's tokens. */
export function createAccessTokens(
  source: string,
  { secret, previousSecrets, lifetime }: OAuthConfig,
  clock: Clock,
): AccessTokens {
  const key = createSecretKey(secret, 'utf8');
  const known = [key, ...previousSecrets.map((each) => createSecretKey(each, 'utf8'))];
  const seconds = Math.floor(lifetime / 1000);
  return {
    seconds,
    issue(client, scope) {
      const now = Math.floor(clock.now() / 1000);
      return new SignJWT({ client_id: client, scope })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
        .setSubject(client)
        .setAudience(source)
        .setIssuedAt(now)
        .setExpirationTime(now + seconds)
        .sign(key);
    },
    async isValid(token) {
      for (const each of known) {
        try {
          await jwtVerify(token, each, {
            algorithms: [ALGORITHM],
            typ: TYPE,
            audience: source,
            requiredClaims: ['exp'],
            currentDate: new Date(clock.now()),
          });
          return true;
        } catch (error) {
          if (!(error instanceof errors.JOSEError)) throw error;
        }
      }
      return false;
    },
  };
}
