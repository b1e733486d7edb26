import type { Clock } from '../clock.js';
import type { OAuthConfig, SourceConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import { bearerTokens } from '../verify/authorization.js';
import type { Verification } from '../verify/combine.js';
import { oauthDialect, REFUSALS, tokenAnswer } from './oauth-answers.js';
import { createAssertions } from './oauth-assertion.js';
import { createAccessTokens } from './oauth-tokens.js';
import type { Answer, Delivery, Dialect } from './source.js';

/** All that a token opens here; Segment's name for it. */
const SCOPE = 'tracking_api:write';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** A request for a token is one assertion and a few words. */
const LARGEST_REQUEST = 16 * 1024;

/** Who gets access tokens of a tracking API, and whether one that comes along is good. */
export interface OAuth {
  readonly required: boolean;
  /** How requests for a token are answered. */
  readonly dialect: Dialect;
  /**
   * Answers a request for a token. Rejects with UNAUTHENTICATED where the client's assertion is not good, and with
   * REQUEST_MALFORMED where the request asks for something else.
   */
  grant(delivery: Delivery): Promise<Answer>;
  /** Whether an access token is one of ours and still holds. */
  isValid(token: string): Promise<boolean>;
}

/**
 * OAuth 2 client credentials with a signed assertion (RFC 6749 section 4.4, RFC 7523), as Segment's libraries use them. It
 * keeps nothing: tokens are signed with the configured secret, so that they outlive a restart and hold on every machine
 * with the same configuration. `path` is the source's own. Throws CONFIG_INVALID where a client's key cannot be read.
 */
export function createOAuth(name: string, config: OAuthConfig, path: string, clock: Clock): OAuth {
  const assertions = createAssertions(name, config, path, clock);
  const tokens = createAccessTokens(name, config, clock);
  return {
    required: config.required,
    dialect: oauthDialect(),
    async grant({ body, origin }) {
      const client = await assertions.clientOf(readRequest(body), origin());
      return tokenAnswer(await tokens.issue(client, SCOPE), tokens.seconds, SCOPE);
    },
    isValid: (token) => tokens.isValid(token),
  };
}

/**
 * Verification by write key, and by access token where one comes along or has to. A token that does not hold is refused with
 * TOKEN_INVALID whatever the dialect, also where it would answer 200: on 401 Segment's libraries fetch another one. Version
 * 2 for Node sends the batch again then, version 3 drops it, so that tokens must not end before their time.
 */
export function guarded(
  oauth: OAuth,
  delivery: Delivery,
  { onUnauthenticated }: Pick<SourceConfig, 'onUnauthenticated'>,
  verifyKey: (delivery: Delivery) => Verification,
): Verification | Promise<Verification> {
  const tokens = bearerTokens(delivery.headers);
  if (tokens.length > 0) return withTokens(oauth, tokens, () => verifyKey(delivery));
  if (!oauth.required) return verifyKey(delivery);
  if (onUnauthenticated === 'quarantine') return { holds: false, reason: NO_TOKEN };
  throw refusedToken(NO_TOKEN);
}

const NO_TOKEN = 'no access token in Authorization: Bearer; get one at /token';

async function withTokens(
  oauth: OAuth,
  tokens: readonly string[],
  verifyKey: () => Verification,
): Promise<Verification> {
  for (const token of tokens) {
    if (!(await oauth.isValid(token))) continue;
    const verification = verifyKey();
    return verification.holds ? WITH_TOKEN : verification;
  }
  throw refusedToken('the access token is not of this receiver, or has expired; get another one');
}

const COVERED = { authenticated: true, verifiedBy: 'jwt+write-key' };
const WITH_TOKEN: Verification = { holds: true, coverage: () => COVERED };

/** The header is RFC 6750's, section 3. */
function refusedToken(message: string): TrackbridgeError {
  const headers = { 'www-authenticate': 'Bearer error="invalid_token"' };
  return new TrackbridgeError('TOKEN_INVALID', message, { headers });
}

/** The assertion of a request that asks for what there is. Segment's library leaves the form's colons unescaped. */
function readRequest(body: Buffer): string {
  if (body.length > LARGEST_REQUEST) throw malformed('the request is too large');
  const form = new URLSearchParams(body.toString('utf8'));
  const grant = form.get('grant_type');
  if (grant === null) throw malformed('grant_type is missing; send a form');
  if (grant !== 'client_credentials') throw malformed(REFUSALS.grant);
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
    throw malformed(`client_assertion_type must be ${ASSERTION_TYPE}`);
  }
  const scope = form.get('scope') ?? '';
  if (scope !== '' && !scope.split(' ').includes(SCOPE)) throw malformed(REFUSALS.scope);
  const assertion = form.get('client_assertion') ?? '';
  if (assertion === '') throw malformed('client_assertion is missing');
  return assertion;
}

function malformed(message: string): TrackbridgeError {
  return new TrackbridgeError('REQUEST_MALFORMED', message);
}
