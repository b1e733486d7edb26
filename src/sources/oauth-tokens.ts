import { createSecretKey } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../clock.js';
import type { OAuthConfig } from '../config/config.js';

const ALGORITHM = 'HS256';
/** RFC 9068: so that no other kind of token is taken for one. */
const TYPE = 'at+jwt';

/** Access tokens of one source: made and known by their signature alone. */
export interface AccessTokens {
  /** How long one holds, in whole seconds. */
  readonly seconds: number;
  /** A token for this client. */
  issue(client: string, scope: string): Promise<string>;
  /** Whether it was issued here, or on another machine of the same configuration, and has not expired. */
  isValid(token: string): Promise<boolean>;
}

/** `source` is in the token, so that those of two sources with one secret are not taken for each other's. */
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
