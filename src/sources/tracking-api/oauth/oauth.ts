import type { CommonSourceConfig, OAuthConfig } from '../../../config/config.js';
import type { Clock } from '../../../core/clock.js';
import { TrackbridgeError } from '../../../core/errors.js';
import { bearerTokens } from '../../../verify/authorization.js';
import type { Verification } from '../../../verify/combine.js';
import type { Answer, Answers, Delivery } from '../../source.js';
import { oauthAnswers, REFUSALS, tokenAnswer } from './answers.js';
import { createAssertions } from './assertion.js';
import { createAccessTokens } from './tokens.js';

/** The only scope of a token, by Segment's name. */
const SCOPE = 'tracking_api:write';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Bytes. A token request holds one assertion and a few short fields. */
const LARGEST_REQUEST = 16 * 1024;

/** Issues the access tokens of a tracking API and checks those that deliveries carry. */
export interface OAuth {
  readonly required: boolean;
  /** The answers to token requests. */
  readonly answers: Answers;
  /**
   * Answers a token request. Rejects with UNAUTHENTICATED if the client's assertion is invalid, with REQUEST_MALFORMED
   * if the request asks for anything else.
   */
  grant(delivery: Delivery): Promise<Answer>;
  /** Whether this receiver issued the access token and it has not expired. */
  isValid(token: string): Promise<boolean>;
}

/**
 * OAuth 2 client credentials with a signed assertion (RFC 6749 section 4.4, RFC 7523), as Segment's libraries use them.
 * It stores nothing: tokens are signed with the configured secret, so they survive a restart and are valid on every
 * machine with the same configuration. `path` is the source's own. Throws CONFIG_INVALID if a client's key cannot be
 * read.
 */
export function createOAuth(name: string, config: OAuthConfig, path: string, clock: Clock): OAuth {
  const assertions = createAssertions(name, config, path, clock);
  const tokens = createAccessTokens(name, config, clock);
  return {
    required: config.required,
    answers: oauthAnswers(),
    async grant({ body, origin }) {
      const client = await assertions.clientOf(readRequest(body), origin());
      return tokenAnswer(await tokens.issue(client, SCOPE), tokens.seconds, SCOPE);
    },
    isValid: (token) => tokens.isValid(token),
  };
}

/**
 * Verifies the write key, and the access token if one is sent or required. An invalid token is rejected with
 * TOKEN_INVALID in both dialects, although Segment's without `strict` answers 200 to a wrong write key: Segment's
 * libraries fetch a new token on 401. Version 2 for Node then retries the batch; version 3 drops it, so a token must
 * stay valid until it expires.
 */
export function guarded(
  oauth: OAuth,
  delivery: Delivery,
  { onUnauthenticated }: Pick<CommonSourceConfig, 'onUnauthenticated'>,
  verifyKey: (delivery: Delivery) => Verification,
): Verification | Promise<Verification> {
  const tokens = bearerTokens(delivery.headers);
  if (tokens.length > 0) return withTokens(oauth, tokens, () => verifyKey(delivery));
  if (!oauth.required) return verifyKey(delivery);
  if (onUnauthenticated === 'quarantine') return { passed: false, reason: NO_TOKEN };
  throw refusedToken(NO_TOKEN);
}

const NO_TOKEN = 'no access token in Authorization: Bearer; request one at /token';

async function withTokens(
  oauth: OAuth,
  tokens: readonly string[],
  verifyKey: () => Verification,
): Promise<Verification> {
  for (const token of tokens) {
    if (!(await oauth.isValid(token))) continue;
    const verification = verifyKey();
    return verification.passed ? WITH_TOKEN : verification;
  }
  throw refusedToken(
    'the access token was not issued by this receiver or has expired; request a new one',
  );
}

const COVERED = { authenticated: true, verifiedBy: 'jwt+write-key' };
const WITH_TOKEN: Verification = { passed: true, coverage: () => COVERED };

/** Sets the header that RFC 6750 section 3 defines. */
function refusedToken(message: string): TrackbridgeError {
  const headers = { 'www-authenticate': 'Bearer error="invalid_token"' };
  return new TrackbridgeError('TOKEN_INVALID', message, { headers });
}

/** Returns the assertion of a valid token request. Segment's library leaves the form's colons unescaped. */
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
