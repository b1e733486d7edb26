import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { OAuthClient, OAuthConfig, SourceConfig } from '../../../../src/config/config.js';
import { createSource } from '../../../../src/sources/registry.js';
import { type Harness, harness } from '../../../ingest/harness.js';
import { type Served, serve } from '../../../ingest/serve.js';
import { sourceConfig } from '../../support.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

const SECRET = 'a-secret-of-thirty-two-bytes-000';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const AUDIENCE = 'https://events.example.com';
const client = (changes: Partial<OAuthClient> = {}): OAuthClient => ({
  id: 'app',
  key: pem(rsa.publicKey),
  algorithms: ['RS256'],
  ...changes,
});
const CLIENTS = [
  client({ keyId: 'first' }),
  client({ keyId: 'next', key: pem(next.publicKey) }),
  client({
    id: 'curve',
    key: JSON.stringify(ec.publicKey.export({ format: 'jwk' })),
    algorithms: ['ES256'],
  }),
];

function api(
  changes: Partial<OAuthConfig> = {},
  more: Partial<SourceConfig> = {},
  h: Harness = harness(),
  name = 'sdk',
): Promise<Served> {
  const config = sourceConfig({
    type: 'tracking-api',
    path: '/',
    verify: [],
    writeKeys: [{ key: 'WK' }],
    oauth: {
      secret: SECRET,
      previousSecrets: [],
      clients: CLIENTS,
      audience: AUDIENCE,
      lifetime: 3_600_000,
      required: false,
      ...changes,
    },
    ...more,
  });
  return serve([createSource(name, config, h.deps.clock)], h);
}

interface AssertionParts {
  readonly claims?: JWTPayload;
  readonly header?: object;
  readonly key?: KeyObject | Uint8Array;
}

/** What Segment's Node library sends: issued five seconds ago, good for another 55. */
function assertion({ clock }: Harness, parts: AssertionParts = {}): Promise<string> {
  const now = clock.now() / 1000;
  const claims = { iss: 'app', sub: 'app', aud: AUDIENCE, iat: now - 5, exp: now + 55, jti: 'j' };
  return new SignJWT({ ...claims, ...parts.claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'first', typ: 'JWT', ...parts.header })
    .sign(parts.key ?? rsa.privateKey);
}

interface Granted {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown>;
}

/** As Segment's library writes the form: the colons of the type are not escaped. */
async function ask(
  served: Served,
  signed: string,
  changes: Record<string, string> = {},
  path = '/token',
): Promise<Granted> {
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: signed,
    scope: 'tracking_api:write',
    ...changes,
  };
  const body = Object.entries(form)
    .map((pair) => pair.join('='))
    .join('&');
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await served.ask(path, { method: 'POST', body, headers });
  const json = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, headers: answer.headers, json };
}

async function tokenOf(served: Served, parts: AssertionParts = {}): Promise<string> {
  const { status, json } = await ask(served, await assertion(served, parts));
  expect([status, json]).toMatchObject([200, { token_type: 'Bearer' }]);
  return String(json['access_token']);
}

/** The status and `www-authenticate` of a batch with this `Authorization`. */
async function send(
  { ask: fetch }: Served,
  authorization?: string,
  writeKey = 'WK',
): Promise<[status: number, challenge: string | null]> {
  const body = JSON.stringify({ writeKey, batch: [{ type: 'track', event: 'E', userId: 'u' }] });
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await fetch('/v1/batch', { method: 'POST', body, headers });
  return [answer.status, answer.headers.get('www-authenticate')];
}

const isText = (value: unknown): boolean => typeof value === 'string';

const REFUSED = [401, 'Bearer error="invalid_token"'];

describe('a request for a token', () => {
  it('is answered as RFC 6749 has it, and kept by nobody on the way', async () => {
    const served = await api();
    const { status, headers, json } = await ask(served, await assertion(served));
    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'tracking_api:write',
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('date')).not.toBeNull(); // SDKs set their clocks by it
    expect(served.store.deliveries).toEqual([]);
  });

  it('is taken below the path of the source', async () => {
    const served = await api({}, { path: '/in' });
    expect((await ask(served, await assertion(served), {}, '/in/token')).status).toBe(200);
    expect((await served.ask('/token', { method: 'POST' })).status).toBe(404);
  });

  it.each<[string, AssertionParts]>([
    [
      'with times in fractions of seconds',
      { claims: { iat: 1_699_999_995.25, exp: 1_700_000_055.75 } },
    ],
    ['with the server as issuer', { claims: { iss: AUDIENCE } }],
    ['without an issuer', { claims: { iss: undefined } as unknown as JWTPayload }],
    ['for several audiences', { claims: { aud: ['https://other.example', `${AUDIENCE}/`] } }],
    ['without a key id', { header: { kid: undefined }, key: next.privateKey }],
    ['with the second key of its client', { header: { kid: 'next' }, key: next.privateKey }],
    ['from a clock that is half a minute behind', { claims: { exp: 1_699_999_980 } }],
    [
      'with another kind of key, whose name is not configured',
      {
        claims: { iss: 'curve', sub: 'curve' },
        header: { alg: 'ES256', kid: 'any' },
        key: ec.privateKey,
      },
    ],
  ])('holds %s', async (_what, parts) => {
    await tokenOf(await api(), parts);
  });

  it.each<[string, AssertionParts]>([
    ['of an unknown client', { claims: { iss: 'other', sub: 'other' } }],
    ['with an unknown key id', { header: { kid: 'other' } }],
    ['signed with another key', { key: next.privateKey }],
    ['of another client', { claims: { iss: 'curve', sub: 'curve' } }],
    ['in an algorithm that is not listed', { header: { alg: 'RS512' } }],
    [
      'signed with the public key as a secret',
      { header: { alg: 'HS256' }, key: Buffer.from(pem(rsa.publicKey)) },
    ],
    ['that has expired', { claims: { exp: 1_699_999_900 } }],
    ['that expires long after', { claims: { exp: 1_700_000_400 } }],
    ['that never expires', { claims: { exp: undefined } as unknown as JWTPayload }],
    ['from the future', { claims: { iat: 1_700_000_100 } }],
    ['for another server', { claims: { aud: 'https://other.example' } }],
    ['for nobody', { claims: { aud: undefined } as unknown as JWTPayload }],
    ['with a stranger as issuer', { claims: { iss: 'stranger' } }],
  ])('is refused with an assertion %s', async (_what, parts) => {
    const served = await api();
    const { status, json } = await ask(served, await assertion(served, parts));
    expect([status, json]).toEqual([
      401,
      { error: 'invalid_client', error_description: expect.any(String) },
    ]);
    expect(JSON.stringify(json)).not.toContain(SECRET);
  });

  const ODD = [{}, [], [1], [{}], null, true, 7, -1, 'text', ['a', {}], { a: 1 }];
  const FITS: Readonly<Record<string, (value: unknown) => boolean>> = {
    ...Object.fromEntries(['iss', 'sub', 'jti'].map((claim) => [claim, isText])),
    ...Object.fromEntries(['exp', 'iat', 'nbf'].map((claim) => [claim, Number.isFinite])),
    aud: (value) => [value].flat().every(isText),
  };

  it.each(Object.keys(FITS))(
    'with a claim %s of the wrong type is malformed, and never an outage of ours',
    async (claim) => {
      for (const audience of [AUDIENCE, undefined]) {
        const served = await api({ audience } as unknown as OAuthConfig);
        for (const value of ODD) {
          const signed = await assertion(served, { claims: { [claim]: value } as JWTPayload });
          const { status, json } = await ask(served, signed);
          if (FITS[claim]?.(value) === true) {
            expect([claim, value, status]).not.toContain(503);
          } else {
            expect([claim, value, status, json['error']]).toEqual([
              ...[claim, value, 400, 'invalid_request'],
            ]);
          }
        }
      }
    },
  );

  it('with a time beyond the range of numbers is malformed', async () => {
    const served = await api();
    const [head = ''] = (await assertion(served)).split('.');
    const claims = `{"iss":"app","sub":"app","aud":"${AUDIENCE}","exp":1e999}`;
    const signed = `${head}.${Buffer.from(claims).toString('base64url')}.AAAA`;
    expect((await ask(served, signed)).status).toBe(400);
  });

  it.each([
    [{ grant_type: 'password' }, 'unsupported_grant_type'],
    [{ scope: 'public_api:read_write' }, 'invalid_scope'],
    [{ client_assertion_type: 'other' }, 'invalid_request'],
    [{ client_assertion: '' }, 'invalid_request'],
    [{ padding: 'x'.repeat(20_000) }, 'invalid_request'],
  ])('that asks for something else is refused: %j', async (changes, error) => {
    const served = await api();
    const { status, json } = await ask(served, await assertion(served), changes);
    expect([status, json['error']]).toEqual([400, error]);
  });

  it('with something that is no token is refused', async () => {
    const served = await api();
    for (const text of ['x', 'a.b.c', 'e30.e30.', '....']) {
      expect((await ask(served, text)).status).toBe(401);
    }
    const got = await served.ask('/token');
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('hears later where we cannot answer now', async () => {
    const h = harness();
    const served = await api({}, {}, h);
    h.state.draining = true;
    const { status, json, headers } = await ask(served, await assertion(served));
    expect([status, json['error']]).toEqual([503, 'temporarily_unavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('has no path without oauth', async () => {
    const config = {
      type: 'tracking-api',
      path: '/',
      verify: [],
      writeKeys: [{ key: 'WK' }],
    } as const;
    const h = harness();
    const served = await serve([createSource('sdk', sourceConfig(config), h.deps.clock)], h);
    expect((await served.ask('/token', { method: 'POST', body: 'x=1' })).status).toBe(404);
    // And a Bearer token says nothing.
    expect(await send(served, 'Bearer anything')).toEqual([200, null]);
    expect(served.store.events).toHaveLength(1);
  });
});

describe('without a configured audience', () => {
  it.each(['', '/in', '/in/', '/in/token', '/other'])(
    'an assertion is for the host that it is sent to: %j',
    async (path) => {
      const served = await api({ audience: undefined } as unknown as OAuthConfig, { path: '/in' });
      const aud = `http://127.0.0.1:${served.port}${path}`;
      const { status } = await ask(
        served,
        await assertion(served, { claims: { aud } }),
        {},
        '/in/token',
      );
      expect(status).toBe(path === '/other' ? 401 : 200);
    },
  );

  it.each(['http://127.0.0.1:1', 'https://example.com', 'urn:x', 'app'])(
    'one for another is refused: %s',
    async (aud) => {
      const served = await api({ audience: undefined } as unknown as OAuthConfig);
      expect((await ask(served, await assertion(served, { claims: { aud } }))).status).toBe(401);
    },
  );
});

describe('an access token', () => {
  it('authenticates together with the write key', async () => {
    const served = await api();
    const token = await tokenOf(served);
    expect(await send(served, `Bearer ${token}`)).toEqual([200, null]);
    expect(served.store.events).toMatchObject([
      { receipt: { authenticated: true, verifiedBy: 'jwt+write-key' } },
    ]);
    expect(JSON.stringify(served.store.deliveries)).not.toContain(token);
    await send(served, `Bearer ${token}`, 'nope');
    expect(served.store.events).toHaveLength(1);
  });

  it('may be left out, unless it is required', async () => {
    const free = await api();
    expect(await send(free)).toEqual([200, null]);
    expect(free.store.events).toMatchObject([{ receipt: { verifiedBy: 'write-key' } }]);

    const strict = await api({ required: true });
    expect(await send(strict)).toEqual(REFUSED);
    expect(strict.store.deliveries).toEqual([]);
    expect(await send(strict, `Bearer ${await tokenOf(strict)}`)).toEqual([200, null]);
  });

  it('that is required and missing is quarantined where the source says so', async () => {
    const served = await api({ required: true }, { onUnauthenticated: 'quarantine' });
    expect(await send(served)).toEqual([200, null]);
    expect(served.store.quarantined).toMatchObject([{ reason: 'unauthenticated' }]);
  });

  it('expires, and is then refused in either dialect, so that the client fetches another', async () => {
    for (const dialect of ['segment', 'rudderstack'] as const) {
      const served = await api({}, { dialect });
      const token = await tokenOf(served);
      await served.clock.advance(3_599_000);
      expect(await send(served, `Bearer ${token}`, 'WK')).not.toEqual(REFUSED);
      await served.clock.advance(2_000);
      expect(await send(served, `Bearer ${token}`, 'WK')).toEqual(REFUSED);
    }
  });

  it.each(['x', 'a.b.c', 'null'])('that is none is refused: %j', async (text) => {
    const served = await api();
    expect(await send(served, `Bearer ${text}`)).toEqual(REFUSED);
    expect(served.store.deliveries).toEqual([]);
  });

  it('signed with another secret, for another source, or not meant as one is refused', async () => {
    const served = await api();
    const elsewhere = await api({ secret: 'another-secret-of-many-many-bytes' });
    const beside = await api({}, {}, harness(), 'other-source');
    const own = { alg: 'HS256', typ: 'JWT' };
    const kind = await new SignJWT({ aud: 'sdk', exp: served.clock.now() / 1000 + 60 })
      .setProtectedHeader(own)
      .sign(Buffer.from(SECRET));
    for (const token of [await tokenOf(elsewhere), await tokenOf(beside), kind]) {
      expect(await send(served, `Bearer ${token}`)).toEqual(REFUSED);
    }
    // The assertion itself is no access token.
    expect(await send(served, `Bearer ${await assertion(served)}`)).toEqual(REFUSED);
  });

  it('signed with a previous secret holds, and none is signed with it', async () => {
    const old = { secret: 'the-secret-before-of-thirty-bytes' };
    const served = await api({ previousSecrets: ['an-even-older-secret', old.secret] });
    expect(await send(served, `Bearer ${await tokenOf(await api(old))}`)).toEqual([200, null]);
    const fresh = await tokenOf(served);
    expect(await send(await api(), `Bearer ${fresh}`)).toEqual([200, null]);
    expect(await send(await api(old), `Bearer ${fresh}`)).toEqual(REFUSED);
  });

  it('holds on another machine and after a restart', async () => {
    const token = await tokenOf(await api());
    expect(await send(await api(), `Bearer ${token}`)).toEqual([200, null]);
  });
});

describe('a client whose key cannot be read', () => {
  it.each([
    [client({ key: 'no key' }), /sources\.sdk\.oauth\.clients\[0\]\.key does not fit any/],
    [client({ key: '{"kty":"RSA"}' }), /clients\[0\]\.key cannot be read as a JWK/],
    [client({ algorithms: ['ES256'] }), /this kind of key supports: RS256/],
  ])('is a mistake in the configuration', async (one, message) => {
    await expect(async () => api({ clients: [one] })).rejects.toThrow(message);
  });
});
