import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../clock.js';
import type { OAuthClient, OAuthConfig } from '../config/config.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import { type StaticKey, staticKey } from '../verify/jwt-key.js';

/** Seconds: how far a client's clock may be off, and how far ahead its assertion may expire. Segment's says a minute. */
const TOLERANCE = 30;
const LONGEST = 300;

interface KnownKey extends StaticKey {
  readonly id: string;
  readonly keyId?: string;
}

/** Signed assertions of clients, which say who they are (RFC 7523 section 3). */
export interface Assertions {
  /** The client's id. Rejects with UNAUTHENTICATED. `origin` is where the request came in. */
  clientOf(assertion: string, origin: string): Promise<string>;
}

/** `path` is the source's own. Throws CONFIG_INVALID where a client's key cannot be read. */
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
      // Without a key nothing is computed: strangers cost next to nothing.
      if (sub === undefined || keys.length === 0) {
        throw refused('the client, or the key it signs with, is not listed');
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
      // RFC 7523 has the client itself there, which is what the SDKs send; Segment's documentation has the server.
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

/** What the assertion says before anything proves it. */
function whoseIs(assertion: string): { readonly sub?: string; readonly kid?: string } {
  try {
    const { sub } = decodeJwt(assertion);
    const { kid } = decodeProtectedHeader(assertion);
    return {
      ...(typeof sub === 'string' ? { sub } : {}),
      ...(typeof kid === 'string' ? { kid } : {}),
    };
  } catch {
    throw refused('the assertion is no JSON Web Token');
  }
}

/** A client with several keys need not say which one it signed with. */
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
  throw refused(`the assertion does not hold: ${why}`);
}

/** SDKs that correct for a wrong clock send fractions of seconds. */
function checkTimes({ exp = 0, iat = 0 }: JWTPayload, now: number): void {
  if (exp > now + LONGEST + TOLERANCE) {
    throw refused(
      `exp of the assertion is over ${LONGEST} seconds ahead; check the client's clock`,
    );
  }
  if (iat > now + TOLERANCE) {
    throw refused("iat of the assertion is in the future; check the client's clock");
  }
}

/** The origin alone is what some clients call a server. Behind a proxy the scheme is another one than here, so that it says nothing. */
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
