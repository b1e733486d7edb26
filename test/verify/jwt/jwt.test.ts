import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { VerifyConfig } from '../../../src/config/config.js';
import type { Clock } from '../../../src/core/clock.js';
import { jwt } from '../../../src/verify/jwt/jwt.js';
import type { Verdict } from '../../../src/verify/verifier.js';
import { reasonOf, signedOf } from '../signed.js';

type JwtConfig = Extract<VerifyConfig, { scheme: 'jwt' }>;

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const SECONDS = NOW / 1000;
const SECRET = 'a-shared-secret-of-some-length-for-hs256';
const clock: Clock = { now: () => NOW, monotonic: () => 0, sleep: async () => undefined };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const RSA_PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

function token(
  key: KeyObject | Uint8Array,
  alg: string,
  claims: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT({ exp: SECONDS + 60, ...claims }).setProtectedHeader({ alg }).sign(key);
}

async function verdict(config: Omit<JwtConfig, 'scheme'>, ...tokens: string[]): Promise<Verdict> {
  const rawHeaders = tokens.flatMap((text) => ['Authorization', `Bearer ${text}`]);
  const verifier = jwt({ scheme: 'jwt', ...config }, clock);
  return verifier.verify(signedOf({ rawHeaders }), new AbortController().signal);
}

const HS = { key: SECRET, algorithms: ['HS256'] };
const hs = (claims: Record<string, unknown> = {}): Promise<string> =>
  token(Buffer.from(SECRET), 'HS256', claims);

describe('jwt with a key', () => {
  it.each([
    ['a PEM RSA key', RSA_PEM, 'RS256', rsa.privateKey],
    ['a PEM RSA key with PSS', RSA_PEM, 'PS512', rsa.privateKey],
    [
      'a PEM EC key',
      ec.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      'ES256',
      ec.privateKey,
    ],
    ['a JWK', JSON.stringify(ec.publicKey.export({ format: 'jwk' })), 'ES256', ec.privateKey],
    [
      'an Ed25519 JWK',
      JSON.stringify(ed.publicKey.export({ format: 'jwk' })),
      'EdDSA',
      ed.privateKey,
    ],
    [
      'a private JWK given by mistake',
      JSON.stringify(rsa.privateKey.export({ format: 'jwk' })),
      'RS256',
      rsa.privateKey,
    ],
    ['a secret', SECRET, 'HS512', Buffer.from(SECRET)],
    [
      'a secret as JWK',
      JSON.stringify({ kty: 'oct', k: Buffer.from(SECRET).toString('base64url') }),
      'HS256',
      Buffer.from(SECRET),
    ],
  ])('holds for %s', async (_what, key, alg, signer) => {
    const config = { key, algorithms: [alg] };
    expect(await verdict(config, await token(signer, alg))).toEqual({
      passed: true,
      covers: 'all',
    });
  });

  it('takes the scheme name in any case, and the second of two Authorization lines', async () => {
    const good = await hs();
    const verifier = jwt({ scheme: 'jwt', ...HS }, clock);
    const { signal } = new AbortController();
    for (const rawHeaders of [
      ['authorization', `bearer  ${good}`],
      ['Authorization', 'Basic eA==', 'authorization', `Bearer ${good}`],
      ['Authorization', 'Bearer nonsense', 'authorization', `BEARER ${good}`],
    ]) {
      expect((await verifier.verify(signedOf({ rawHeaders }), signal)).passed).toBe(true);
    }
  });

  it('fails without a token', async () => {
    expect(reasonOf(await verdict(HS))).toBe('no Authorization: Bearer header');
  });

  it.each(['', 'x', 'a.b.c', 'a.b', '....', 'e30.e30.', 'undefined'])(
    'fails for %j, which is no token',
    async (text) => {
      expect((await verdict(HS, text)).passed).toBe(false);
    },
  );

  it('fails for a changed payload and for another key', async () => {
    const [header = '', , signature = ''] = (await hs({ sub: 'a' })).split('.');
    const forged = Buffer.from(JSON.stringify({ sub: 'b' })).toString('base64url');
    expect((await verdict(HS, [header, forged, signature].join('.'))).passed).toBe(false);
    const other = await token(Buffer.from(`${SECRET}x`), 'HS256');
    expect((await verdict(HS, other)).passed).toBe(false);
  });

  it('fails for alg none, however it is spelt and listed', async () => {
    for (const alg of ['none', 'None', 'NONE']) {
      const header = Buffer.from(JSON.stringify({ alg })).toString('base64url');
      const config = { key: SECRET, algorithms: ['HS256', 'none'] };
      expect((await verdict(config, `${header}.e30.`)).passed).toBe(false);
    }
  });

  it('fails for HMAC under the text of the public key, also where HS256 is listed', async () => {
    const header = Buffer.from('{"alg":"HS256"}').toString('base64url');
    for (const text of [RSA_PEM, RSA_PEM.trim()]) {
      const mac = createHmac('sha256', text).update(`${header}.e30`).digest('base64url');
      for (const algorithms of [['RS256'], ['RS256', 'HS256']]) {
        expect((await verdict({ key: RSA_PEM, algorithms }, `${header}.e30.${mac}`)).passed).toBe(
          false,
        );
      }
    }
  });

  it('fails for an algorithm that is not listed', async () => {
    const config = { key: RSA_PEM, algorithms: ['RS512'] };
    expect((await verdict(config, await token(rsa.privateKey, 'RS256'))).passed).toBe(false);
  });

  it('fails for an algorithm of another curve, without calling it an outage', async () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const key = p384.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const config = { key, algorithms: ['ES256', 'ES384'] };
    expect((await verdict(config, await token(ec.privateKey, 'ES256'))).passed).toBe(false);
    expect((await verdict(config, await token(p384.privateKey, 'ES384'))).passed).toBe(true);
  });

  it.each([
    [{}, 60],
    [{ leeway: 0 }, 0],
    [{ leeway: 2_500 }, 2.5],
  ])(
    'with %j fails %d s after a token has expired and before it is valid',
    async (own, seconds) => {
      const config = { ...HS, ...own };
      const expired = SECONDS - seconds;
      expect((await verdict(config, await hs({ exp: expired + 1 }))).passed).toBe(true);
      expect(reasonOf(await verdict(config, await hs({ exp: expired })))).toContain('"exp"');
      const valid = SECONDS + seconds;
      expect((await verdict(config, await hs({ nbf: valid }))).passed).toBe(true);
      expect(reasonOf(await verdict(config, await hs({ nbf: valid + 1 })))).toContain('"nbf"');
    },
  );

  it('fails for a token that can be used forever, unless told otherwise', async () => {
    const forever = await hs({ exp: undefined, iat: SECONDS - 10 });
    expect(reasonOf(await verdict(HS, forever))).toContain('maxTokenAge');
    expect((await verdict({ ...HS, requireExp: false }, forever)).passed).toBe(true);
    expect((await verdict({ ...HS, maxTokenAge: 60_000 }, forever)).passed).toBe(true);
    // Beyond the range of a double, a time reads as infinity.
    const [head, , key] = [{ alg: 'HS256' }, '', SECRET];
    const part = (text: string): string => Buffer.from(text).toString('base64url');
    const signed = `${part(JSON.stringify(head))}.${part('{"exp":1e999}')}`;
    const mac = createHmac('sha256', key).update(signed).digest('base64url');
    expect((await verdict(HS, `${signed}.${mac}`)).passed).toBe(false);
  });

  it('with maxTokenAge fails for older tokens, those without iat, and those from the future', async () => {
    const config = { ...HS, maxTokenAge: 300_000, leeway: 10_000 };
    const of = async (iat: unknown): Promise<boolean> =>
      (await verdict(config, await hs({ exp: undefined, iat }))).passed;
    expect([await of(SECONDS - 310), await of(SECONDS + 10)]).toEqual([true, true]);
    expect([await of(SECONDS - 311), await of(SECONDS + 11)]).toEqual([false, false]);
    expect([await of(undefined), await of('1')]).toEqual([false, false]);
    const expired = await hs({ iat: SECONDS - 100, exp: SECONDS - 50 });
    expect((await verdict(config, expired)).passed).toBe(false);
  });

  it.each([
    [undefined, 'JWT', true],
    [undefined, 'at+jwt', true],
    [undefined, 'application/AT+JWT', true],
    [undefined, 'dpop+jwt', false],
    [undefined, 'logout+jwt', false],
    [undefined, 7, false],
    [undefined, null, false],
    ['webhook+jwt', 'application/webhook+jwt', true],
    ['webhook+jwt', 'JWT', false],
    ['webhook+jwt', undefined, false],
  ])('with typ %s configured, takes a token of typ %j: %s', async (typ, sent, expected) => {
    const made = new SignJWT({ exp: SECONDS + 60 });
    const header = { alg: 'HS256', ...(sent === undefined ? {} : { typ: sent as string }) };
    const signed = await made.setProtectedHeader(header).sign(Buffer.from(SECRET));
    const config = { ...HS, ...(typ === undefined ? {} : { typ }) };
    expect((await verdict(config, signed)).passed).toBe(expected);
  });

  it('takes times with a fraction, as the Segment SDK sends them', async () => {
    const claims = { iat: SECONDS - 5.25, exp: SECONDS + 54.75 };
    expect((await verdict(HS, await hs(claims))).passed).toBe(true);
    expect((await verdict(HS, await hs({ exp: SECONDS - 60.5 }))).passed).toBe(false);
  });

  it('fails for times that are not numbers', async () => {
    expect((await verdict(HS, await hs({ exp: `${SECONDS + 60}` }))).passed).toBe(false);
  });

  it('asks for the configured issuer and audience', async () => {
    const config = { ...HS, issuer: 'https://issuer', audience: 'trackbridge' };
    const right = { iss: 'https://issuer', aud: ['other', 'trackbridge'] };
    expect((await verdict(config, await hs(right))).passed).toBe(true);
    for (const wrong of [{ iss: 'https://other' }, { aud: 'other' }, { aud: [] }]) {
      expect((await verdict(config, await hs({ ...right, ...wrong }))).passed).toBe(false);
    }
    expect((await verdict(config, await hs({ aud: 'trackbridge' }))).passed).toBe(false);
    expect((await verdict(config, await hs({ iss: 'https://issuer' }))).passed).toBe(false);
  });

  it('never repeats the token or the secret', async () => {
    const bad = await token(Buffer.from('another-secret-of-some-length'), 'HS256', { sub: 'ann' });
    const reason = reasonOf(await verdict(HS, bad));
    expect(reason).not.toContain(bad);
    expect(reason).not.toContain(SECRET);
    expect(reason).not.toContain('\n');
  });
});

describe('jwt refuses a configuration that can never hold', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const smallPem = small.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const jwks = 'https://example.com/keys';

  it.each([
    ['no key at all', { algorithms: ['RS256'] }, 'requires jwks or key'],
    ['two keys', { jwks, key: SECRET, algorithms: ['RS256'] }, 'not both'],
    ['no algorithm', { key: SECRET, algorithms: [] }, 'HS256'],
    ['only none', { key: SECRET, algorithms: ['none'] }, 'HS256'],
    ['RS256 with a secret', { key: SECRET, algorithms: ['RS256'] }, 'HS256'],
    ['HS256 with a public key', { key: RSA_PEM, algorithms: ['HS256'] }, 'RS256'],
    ['ES256 with an RSA key', { key: RSA_PEM, algorithms: ['ES256'] }, 'RS256'],
    ['HS256 with a key set', { jwks, algorithms: ['HS256'] }, 'verify.jwks'],
    ['an RSA key too small', { key: smallPem, algorithms: ['RS256'] }, '1024'],
    ['a broken PEM', { key: '-----BEGIN PUBLIC KEY-----\nx', algorithms: ['RS256'] }, 'PEM'],
    ['a broken JWK', { key: '{"kty":"RSA"}', algorithms: ['RS256'] }, 'JWK'],
    ['an empty JWK secret', { key: '{"kty":"oct","k":""}', algorithms: ['HS256'] }, 'JWK'],
    ['an empty key', { key: ' ', algorithms: ['HS256'] }, 'empty'],
    ['a URL that is none', { jwks: 'keys.json', algorithms: ['RS256'] }, 'http'],
    ['a file URL', { jwks: 'file:///etc/keys', algorithms: ['RS256'] }, 'http'],
    [
      'a URL with a password',
      { jwks: 'https://u:p@example.com', algorithms: ['RS256'] },
      'password',
    ],
  ])('%s', (_what, config, part) => {
    const build = (): unknown => jwt({ scheme: 'jwt', ...config }, clock);
    expect(build).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(build).toThrow(part);
  });
});
