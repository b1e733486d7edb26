import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { configInvalid } from '../../core/errors.js';

/** A configured key and the algorithms it can verify. */
export interface StaticKey {
  readonly key: KeyObject | Uint8Array;
  readonly algorithms: readonly string[];
}

/** The algorithms of each kind of key, by Node's name for its type or, for EC, for its curve. */
const ALGORITHMS_OF: Readonly<Record<string, readonly string[]>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
};
const SYMMETRIC: readonly string[] = ['HS256', 'HS384', 'HS512'];
/** RFC 7518 requires it, and jose rejects every token under a smaller key. */
const SMALLEST_RSA = 2048;

/**
 * Reads `key`: PEM (public key or certificate), a JWK as JSON text, or any other text as a secret for HS algorithms.
 *
 * It keeps only the configured algorithms that fit the key. A token signed with HMAC under the text of a public key is
 * therefore rejected by its algorithm, before any key is used. `place` names the configuration section in errors.
 * Throws CONFIG_INVALID if no algorithm remains or the key cannot be read.
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
  const list = fitting.length > 0 ? fitting.join(', ') : 'none';
  throw configInvalid(
    `${place}.key does not fit any of ${place}.algorithms; this kind of key supports: ${list}`,
  );
}

/**
 * Returns the configured algorithms that a published key set can be used with. Anyone can read the set, so HMAC is
 * excluded.
 */
export function publicAlgorithms(configured: readonly string[]): readonly string[] {
  const algorithms = configured.filter((name) => name !== 'none' && !SYMMETRIC.includes(name));
  if (algorithms.length > 0) return algorithms;
  throw configInvalid(
    'verify.algorithms lists no public-key algorithm, which verify.jwks requires; list RS256 or ES256, for example',
  );
}

function readKey(text: string, place: string): KeyObject | Uint8Array {
  const trimmed = text.trim();
  if (trimmed === '')
    throw configInvalid(`${place}.key is empty; give a PEM public key, a JWK or a secret`);
  const isJwk = trimmed.startsWith('{');
  if (!isJwk && !trimmed.startsWith('-----BEGIN ')) return Buffer.from(text, 'utf8');
  try {
    if (!isJwk) return createPublicKey(trimmed);
    const jwk = JSON.parse(trimmed) as JsonWebKey;
    return jwk.kty === 'oct' && typeof jwk.k === 'string' && jwk.k !== ''
      ? Buffer.from(jwk.k, 'base64url')
      : createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    // No cause is attached: the parser's message may quote the key, and the key may be private.
    throw configInvalid(`${place}.key cannot be read as ${isJwk ? 'a JWK' : 'a PEM public key'}`);
  }
}

function algorithmsOf(key: KeyObject, place: string): readonly string[] {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < SMALLEST_RSA) {
    throw configInvalid(
      `${place}.key has ${modulusLength} bits; RSA keys need at least ${SMALLEST_RSA}`,
    );
  }
  return ALGORITHMS_OF[namedCurve ?? key.asymmetricKeyType ?? ''] ?? [];
}
