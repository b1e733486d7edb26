import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { TrackbridgeError } from '../errors.js';

/** A key out of the configuration and the algorithms it can check. */
export interface StaticKey {
  readonly key: KeyObject | Uint8Array;
  readonly algorithms: readonly string[];
}

/** Which algorithms belong to a kind of key, by Node's name of its type or, for EC, of its curve. */
const ALGORITHMS_OF: Readonly<Record<string, readonly string[]>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
};
const SYMMETRIC: readonly string[] = ['HS256', 'HS384', 'HS512'];
/** RFC 7518 asks for it, and jose refuses smaller ones at every token. */
const SMALLEST_RSA = 2048;

/**
 * Reads `key`: PEM (public key or certificate), a JWK as JSON text, or any other text as a secret for HS algorithms.
 *
 * Of the configured algorithms only those that fit the key stay, so that a token signed with HMAC under the text of a
 * public key is refused for its algorithm before any key is touched. `place` says in
 * complaints where the key stands. Throws CONFIG_INVALID where none is left or the key cannot be read.
 */
export function staticKey(
  text: string,
  configured: readonly string[],
  place = 'verify',
): StaticKey {
  const key = readKey(text, place);
  const fitting = key instanceof Uint8Array ? SYMMETRIC : algorithmsOf(key, place);
  const algorithms = configured.filter((algorithm) => fitting.includes(algorithm));
  if (algorithms.length > 0) return { key, algorithms };
  const list = fitting.length > 0 ? fitting.join(', ') : 'none that is known';
  throw invalid(`${place}.key fits none of ${place}.algorithms; algorithms of such a key: ${list}`);
}

/** Of the configured algorithms those that a published key set can serve: anyone can read it, so no HMAC. */
export function publicAlgorithms(configured: readonly string[]): readonly string[] {
  const algorithms = configured.filter((name) => name !== 'none' && !SYMMETRIC.includes(name));
  if (algorithms.length > 0) return algorithms;
  throw invalid(
    'verify.algorithms holds none that works with verify.jwks; list RS256, ES256 or the like',
  );
}

function readKey(text: string, place: string): KeyObject | Uint8Array {
  const trimmed = text.trim();
  if (trimmed === '')
    throw invalid(`${place}.key is empty; give a PEM public key, a JWK or a secret`);
  const isJwk = trimmed.startsWith('{');
  if (!isJwk && !trimmed.startsWith('-----BEGIN ')) return Buffer.from(text, 'utf8');
  try {
    if (!isJwk) return createPublicKey(trimmed);
    const jwk = JSON.parse(trimmed) as JsonWebKey;
    return jwk.kty === 'oct' && typeof jwk.k === 'string' && jwk.k !== ''
      ? Buffer.from(jwk.k, 'base64url')
      : createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    // Without a cause: the parser's words may quote the key, which may be a private one.
    throw invalid(`${place}.key cannot be read as ${isJwk ? 'a JWK' : 'a PEM public key'}`);
  }
}

function algorithmsOf(key: KeyObject, place: string): readonly string[] {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < SMALLEST_RSA) {
    throw invalid(`${place}.key has ${modulusLength} bits; RSA keys need at least ${SMALLEST_RSA}`);
  }
  return ALGORITHMS_OF[namedCurve ?? key.asymmetricKeyType ?? ''] ?? [];
}

function invalid(message: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', message);
}
