import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { OAuthClient, OAuthConfig } from '../../../config/config.js';
import type { Clock } from '../../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../../core/errors.js';
import { type StaticKey, staticKey } from '../../../verify/jwt/key.js';
import { claimsOf } from './claims.js';

/**
 * Seconds: the tolerated clock difference of a client, and the maximum lifetime of its assertion. Segment's expires
 * after a minute.
 */
const TOLERANCE = 30;
const LONGEST = 300;

interface KnownKey extends StaticKey {
  readonly id: string;
  readonly keyId?: string;
}

/** Signed assertions that identify clients (RFC 7523 section 3). */
export interface Assertions {
  /**
   * Returns the client's id. Rejects with UNAUTHENTICATED, or with REQUEST_MALFORMED if a claim has the wrong type.
   * `origin` is the origin of the request's URL.
   */
  clientOf(assertion: string, origin: string): Promise<string>;
}

/**
 * Builds the check of assertions. `path` is the source's own. Throws CONFIG_INVALID if a client's key cannot be read.
 */
export function createAssertions(
  name: string,
  { clients, audience }: Pick<OAuthConfig, 'clients' | 'audience'>,
  path: string,
  clock: Clock,
): Assertions {
  const known = clients.map((client, at) => readClient(name, client, at));

  return {
    async clientOf(assertion, origin) {
      const { sub, kid } = whoseIs(assertion);
      const isNamed = ({ keyId }: KnownKey): boolean =>
        kid === undefined || keyId === undefined || keyId === kid;
      const keys = known.filter((each) => each.id === sub && isNamed(each));
      // Without a matching key no signature is checked, so unknown clients cost almost nothing.
      if (sub === undefined || keys.length === 0) {
        throw refused('the client or its signing key is unknown');
      }
      const claims = await verifyWithAny(assertion, keys, clock);
      checkTimes(claims, clock.now() / 1000);
      const isHere = (server: string): boolean =>
        audience === undefined
          ? isOwnAddress(server, origin, path)
          : withoutSlash(server) === withoutSlash(audience);
      if (![claims.aud ?? []].flat().some(isHere)) {
        throw refused('aud of the assertion is not this server');
      }
      // In RFC 7523 the issuer is the client, and the SDKs send that. Segment's documentation names the server.
      if (claims.iss !== undefined && claims.iss !== sub && !isHere(claims.iss)) {
        throw refused('iss of the assertion is neither the client nor this server');
      }
      return sub;
    },
  };
}

function readClient(
  name: string,
  { id, key, keyId, algorithms }: OAuthClient,
  at: number,
): KnownKey {
  const read = staticKey(key, algorithms, `sources.${name}.oauth.clients[${at}]`);
  return { ...read, id, ...(keyId === undefined ? {} : { keyId }) };
}

/** Reads the client and key id of an assertion that is not verified yet. */
function whoseIs(assertion: string): { readonly sub?: string; readonly kid?: string } {
  const { sub } = claimsOf(assertion);
  try {
    const { kid } = decodeProtectedHeader(assertion);
    return {
      ...(sub === undefined ? {} : { sub }),
      ...(typeof kid === 'string' ? { kid } : {}),
    };
  } catch {
    throw refused('the assertion is not a JSON Web Token');
  }
}

/** Tries every key, because a client with several keys need not name the one it signed with. */
async function verifyWithAny(
  assertion: string,
  keys: readonly KnownKey[],
  clock: Clock,
): Promise<JWTPayload> {
  let why = '';
  for (const { key, algorithms } of keys) {
    try {
      const { payload } = await jwtVerify(assertion, key, {
        algorithms: [...algorithms],
        clockTolerance: TOLERANCE,
        requiredClaims: ['exp', 'sub', 'aud'],
        currentDate: new Date(clock.now()),
      });
      return payload;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      why = messageOf(error);
    }
  }
  throw refused(`the assertion is invalid: ${why}`);
}

/** Checks `exp` and `iat`. They may be fractions: some SDKs correct for a wrong clock. */
function checkTimes({ exp = 0, iat = 0 }: JWTPayload, now: number): void {
  if (exp > now + LONGEST + TOLERANCE) {
    throw refused(
      `exp of the assertion is more than ${LONGEST} seconds ahead; check the client's clock`,
    );
  }
  if (iat > now + TOLERANCE) {
    throw refused("iat of the assertion is in the future; check the client's clock");
  }
}

/**
 * Whether a URL names this server: its origin, this source or its token endpoint. The scheme is ignored because a proxy
 * may change it.
 */
function isOwnAddress(server: string, origin: string, path: string): boolean {
  if (!/^https?:/i.test(server) || !URL.canParse(server)) return false;
  if (!URL.canParse(origin)) return false;
  const url = new URL(server);
  const own = path === '/' ? '' : path;
  return (
    url.host === new URL(origin.replace(/^https?:/i, url.protocol)).host &&
    ['', own, `${own}/token`].includes(withoutSlash(url.pathname))
  );
}

function withoutSlash(text: string): string {
  return text.replace(/\/$/, '');
}

function refused(reason: string): TrackbridgeError {
  return new TrackbridgeError('UNAUTHENTICATED', reason);
}
