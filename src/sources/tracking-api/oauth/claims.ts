import { decodeJwt, type JWTPayload } from 'jose';
import { TrackbridgeError } from '../../../core/errors.js';

/** The type of each claim by RFC 7519 section 4.1, worded for the error. */
const SHAPES: readonly (readonly [claim: string, is: (value: unknown) => boolean, what: string])[] =
  [
    ...['iss', 'sub', 'jti'].map((claim) => [claim, isText, 'must be text'] as const),
    ...['exp', 'iat', 'nbf'].map(
      (claim) => [claim, Number.isFinite, 'must be a number of seconds'] as const,
    ),
    ['aud', (value) => [value].flat().every(isText), 'must be text or a list of texts'],
  ];

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

/**
 * Reads the claims of an assertion that is not verified yet. Throws UNAUTHENTICATED if it is not a JSON Web Token, and
 * REQUEST_MALFORMED if a claim has the wrong type, which no clock and no key can repair.
 */
export function claimsOf(assertion: string): JWTPayload {
  const claims = decode(assertion);
  for (const [claim, is, what] of SHAPES) {
    if (claims[claim] === undefined || is(claims[claim])) continue;
    throw new TrackbridgeError('REQUEST_MALFORMED', `${claim} of the assertion ${what}`);
  }
  return claims;
}

function decode(assertion: string): JWTPayload {
  try {
    return decodeJwt(assertion);
  } catch {
    throw new TrackbridgeError('UNAUTHENTICATED', 'the assertion is not a JSON Web Token');
  }
}
