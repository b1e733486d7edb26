import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.js';
import { jwt } from '../../../src/verify/jwt/jwt.js';
import { signedOf } from '../signed.js';
import { JwksServer } from './jwks-server.js';

const SECRET = 'a-shared-secret-of-some-length-for-hs256';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const server = new JwksServer();
beforeAll(async () => {
  await server.start();
  server.behaviour = { keys: [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'one' }] };
});
afterAll(() => server.stop());

const HEADERS = ['alg', 'typ', 'kid', 'crit', 'b64', 'jwk', 'x5c', 'jku', 'cty', 'zip', 'enc'];
const CLAIMS = ['exp', 'iat', 'nbf', 'iss', 'aud', 'sub', 'jti'];
/** As JSON text, since JSON can say more than a JavaScript value: numbers out of range, `__proto__`. */
const ODD = [
  ...['{}', '[]', '[1]', '[{}]', '[[]]', '[null]', 'null', 'true', '""', '"x"', '1', '-1', '1e999'],
  ...['-1e999', '{"a":1}', '{"__proto__":{}}', '"__proto__"', '{"toString":1}'],
];
const now = Math.floor(systemClock.now() / 1000);
/** Waits take no time: an unknown key id is looked up anew, at most once a second. */
let time = 0;
const clock: Clock = {
  now: () => now * 1000,
  monotonic: () => time,
  sleep: async (ms) => {
    time += ms;
  },
};
const textOf = (fields: Readonly<Record<string, string>>): string =>
  `{${Object.entries(fields).map(([name, json]) => `"${name}":${json}`)}}`;
const part = (text: string): string => Buffer.from(text).toString('base64url');

interface Way {
  readonly alg: string;
  sign(signed: string): string;
  verifier(): ReturnType<typeof jwt>;
}

const CHECKS = { issuer: 'i', audience: 'a', maxTokenAge: 60_000 };
const WAYS: readonly (readonly [string, Way])[] = [
  [
    'a key',
    {
      alg: 'HS256',
      sign: (text) => createHmac('sha256', SECRET).update(text).digest('base64url'),
      verifier: () => jwt({ scheme: 'jwt', key: SECRET, algorithms: ['HS256'], ...CHECKS }, clock),
    },
  ],
  [
    'a key set',
    {
      alg: 'RS256',
      sign: (text) => createSign('sha256').update(text).sign(rsa.privateKey, 'base64url'),
      verifier: () =>
        jwt({ scheme: 'jwt', jwks: server.url, algorithms: ['RS256'], ...CHECKS }, clock),
    },
  ],
];

describe.each(WAYS)(
  'a token with odd values, checked with %s',
  (_what, { alg, sign, verifier }) => {
    const header = { alg: `"${alg}"`, kid: '"one"' };
    const claims = { iss: '"i"', aud: '"a"', iat: `${now}`, exp: `${now + 60}` };
    const verdictOf = async (head: string, body: string): Promise<boolean> => {
      const signed = `${part(head)}.${part(body)}`;
      const rawHeaders = ['authorization', `Bearer ${signed}.${sign(signed)}`];
      const { signal } = new AbortController();
      scheme ??= verifier();
      return (await scheme.verify(signedOf({ rawHeaders }), signal)).passed;
    };
    let scheme: ReturnType<typeof verifier> | undefined;

    it('holds without any', async () => {
      expect(await verdictOf(textOf(header), textOf(claims))).toBe(true);
    });

    it.each(CLAIMS)('never fails as an outage of ours for its claim %s', async (claim) => {
      for (const odd of ODD) {
        const verdict = await verdictOf(textOf(header), textOf({ ...claims, [claim]: odd }));
        expect(typeof verdict).toBe('boolean');
      }
    });

    it.each(HEADERS)('never fails as an outage of ours for its header %s', async (name) => {
      // An unknown key id is looked up anew, at most once a second: one is enough here.
      for (const odd of name === 'kid' ? ['{}', '[]'] : ODD) {
        const verdict = await verdictOf(textOf({ ...header, [name]: odd }), textOf(claims));
        expect(typeof verdict).toBe('boolean');
      }
    });

    it.each(['null', '1', '[]', '"x"', '{', '', '\u0000', '{"__proto__":{"exp":1}}'])(
      'never fails as an outage of ours for the claims %j',
      async (body) => {
        expect(await verdictOf(textOf(header), body)).toBe(false);
      },
    );
  },
);
