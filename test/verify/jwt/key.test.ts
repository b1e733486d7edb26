import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { publicAlgorithms, staticKey } from '../../../src/verify/jwt/key.js';

const EVERY = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
].concat(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'none']);
const pem = ({ publicKey }: { readonly publicKey: KeyObject }): string =>
  publicKey.export({ type: 'spki', format: 'pem' }).toString();
const ec = (namedCurve: string): string => pem(generateKeyPairSync('ec', { namedCurve }));
const rsa = (modulusLength: number): string => pem(generateKeyPairSync('rsa', { modulusLength }));

describe('staticKey', () => {
  it.each([
    ['an RSA key', rsa(2_048), ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['a key of P-256', ec('P-256'), ['ES256']],
    ['a key of P-384', ec('P-384'), ['ES384']],
    ['a key of P-521', ec('P-521'), ['ES512']],
    ['an Ed25519 key', pem(generateKeyPairSync('ed25519')), ['EdDSA', 'Ed25519']],
    ['a secret', 'hunter2', ['HS256', 'HS384', 'HS512']],
  ])('keeps the algorithms that fit %s', (_what, key, algorithms) => {
    expect(staticKey(key, EVERY).algorithms).toEqual(algorithms);
    expect(() => staticKey(key, ['none'])).toThrow(
      `verify.key does not fit any of verify.algorithms; this kind of key supports: ${algorithms.join(', ')}`,
    );
  });

  it('rejects a key that no algorithm fits, and an RSA key under 2048 bits', () => {
    const x25519 = pem(generateKeyPairSync('x25519'));
    expect(() => staticKey(x25519, EVERY)).toThrow('this kind of key supports: none');
    expect(() => staticKey(ec('secp256k1'), EVERY)).toThrow('this kind of key supports: none');
    expect(() => staticKey(rsa(2_040), EVERY)).toThrow('verify.key has 2040 bits');
  });

  it.each([
    ['', 'is empty'],
    [' \n', 'is empty'],
    ['{', 'cannot be read as a JWK'],
    ['{"kty":"oct","k":""}', 'cannot be read as a JWK'],
    ['{"kty":"oct"}', 'cannot be read as a JWK'],
    ['-----BEGIN PUBLIC KEY-----', 'cannot be read as a PEM public key'],
  ])('names the place of a key that cannot be read: %j', (key, what) => {
    expect(() => staticKey(key, EVERY, 'admin.jwt')).toThrow(`admin.jwt.key ${what}`);
  });
});

describe('publicAlgorithms', () => {
  it('leaves out none and those of shared secrets', () => {
    expect(publicAlgorithms(EVERY)).toEqual(EVERY.slice(3, -1));
    for (const only of EVERY.slice(0, 3).concat('none')) {
      expect(() => publicAlgorithms([only])).toThrow('lists no public-key algorithm');
    }
  });
});
