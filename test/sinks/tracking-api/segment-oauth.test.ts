import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { createSegmentSink } from '../../../src/sinks/tracking-api/segment.js';
import {
  createTokenSource,
  type OAuthOptions,
} from '../../../src/sinks/tracking-api/segment-oauth.js';
import { sinkContext, sinkEvent } from '../events.js';
import { type HttpTarget, httpTarget } from '../http/target.js';
import { failed, never, using, type VendorServer, vendorServer, WRITE_KEY } from './setup.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (type: 'pkcs8' | 'pkcs1'): string =>
  privateKey.export({ type, format: 'pem' }).toString();

let server: VendorServer;
let tokens: HttpTarget;
let issued: number;
/** Milliseconds that the test has let pass; wall and monotonic time alike. */
let passed: number;
const clock = {
  ...systemClock,
  now: () => systemClock.now() + passed,
  monotonic: () => systemClock.monotonic() + passed,
};
beforeEach(async () => {
  server = await vendorServer('segment');
  tokens = await httpTarget();
  issued = 0;
  passed = 0;
  tokens.answer = (_, response) => {
    issued += 1;
    response.end(JSON.stringify({ access_token: `token-${issued}`, expires_in: 3600 }));
  };
});
afterEach(async () => {
  await server.target.close();
  await tokens.close();
});

const oauth = (more: Partial<OAuthOptions> = {}): OAuthOptions => ({
  clientId: 'client-1',
  keyId: 'key-1',
  privateKey: pem('pkcs8'),
  tokenUrl: `http://127.0.0.1:${tokens.port}/token`,
  scope: 'tracking_api:write',
  ...more,
});
const open = (more: Partial<OAuthOptions> = {}): Promise<Sink> =>
  createSegmentSink(
    { writeKey: WRITE_KEY, endpoint: server.url, gzip: false, loopGuard: true, oauth: oauth(more) },
    { ...sinkContext(), clock },
  );
const bearers = () => server.target.received.map(({ headers }) => headers.authorization);
const deliver = (sink: Sink) => sink.deliver([sinkEvent('a')], never());

describe('segment with OAuth: a token', () => {
  it.each([
    ['PKCS#8', pem('pkcs8')],
    ['PKCS#1', pem('pkcs1')],
    ['one line', pem('pkcs8').replaceAll('\n', '\\n')],
  ])('is asked for with an assertion that holds, signed by a key as %s', async (_, key) => {
    await using(await open({ privateKey: key }), deliver);
    const [request] = tokens.received;
    expect(request).toMatchObject({
      method: 'POST',
      url: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const form = new URLSearchParams(request?.body);
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: expect.any(String),
      scope: 'tracking_api:write',
    });
    const { payload, protectedHeader } = await jwtVerify(
      String(form.get('client_assertion')),
      publicKey,
      { audience: `http://127.0.0.1:${tokens.port}`, issuer: 'client-1', subject: 'client-1' },
    );
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(60);
    expect(payload.jti).toMatch(/^[0-9a-f-]{36}$/);
    expect(bearers()).toEqual(['Bearer token-1']);
    expect(JSON.parse(String(server.target.received[0]?.body)).writeKey).toBe(WRITE_KEY);
  });

  it('serves all lanes, and until half of its life is over', async () => {
    await using(await open(), async (sink) => {
      await Promise.all([deliver(sink), deliver(sink), deliver(sink)]);
      expect(issued).toBe(1);
      passed += 1_799_000;
      await deliver(sink);
      expect(issued).toBe(1);
      passed += 2_000;
      await deliver(sink);
      expect(issued).toBe(2);
      expect(bearers().at(-1)).toBe('Bearer token-2');
    });
  });

  it('goes on to serve while its renewal fails, until it has expired', async () => {
    await using(await open(), async (sink) => {
      await deliver(sink);
      tokens.answer = (_, response) => response.writeHead(503).end();
      passed += 1_900_000;
      expect(await deliver(sink)).toEqual([{ ok: true }]);
      passed += 1_900_000;
      expect(await deliver(sink)).toMatchObject([{ ok: false, retryable: true }]);
    });
  });

  it.each([401, 403, 511])('that is answered %i is followed by a new one', async (status) => {
    await using(await open(), async (sink) => {
      server.target.answer = (_, response) => response.writeHead(status).end();
      expect(await deliver(sink)).toMatchObject([{ ok: false, retryable: true }]);
      server.behave();
      expect(await deliver(sink)).toEqual([{ ok: true }]);
      expect(bearers()).toEqual(['Bearer token-1', 'Bearer token-2']);
    });
  });

  it('may be why an answer is 400, unless it is new', async () => {
    await using(await open(), async (sink) => {
      server.target.answer = (_, response) => response.writeHead(400).end();
      expect(await deliver(sink)).toMatchObject([{ ok: false, retryable: false }]);
      expect(issued).toBe(1);
      passed += 61_000;
      expect(await deliver(sink)).toMatchObject([
        { ok: false, retryable: true, message: expect.stringContaining('with a new token') },
      ]);
      expect(await deliver(sink)).toMatchObject([{ ok: false, retryable: false }]);
      expect(issued).toBe(2);
    });
  });

  it('is asked for by the server’s clock, once that is known', async () => {
    const ahead = 3_600_000;
    tokens.answer = (_, response) => {
      issued += 1;
      response.setHeader('date', new Date(Date.now() + ahead).toUTCString());
      if (issued === 1) response.writeHead(400).end('{"error":"invalid_client"}');
      else response.end('{"access_token":"t","expires_in":60}');
    };
    await using(await open(), async (sink) => {
      await deliver(sink);
      await deliver(sink);
    });
    const assertions = tokens.received.map(({ body }) =>
      String(new URLSearchParams(body).get('client_assertion')),
    );
    const currentDate = new Date(Date.now() + ahead);
    await expect(jwtVerify(String(assertions[0]), publicKey, { currentDate })).rejects.toThrow();
    await jwtVerify(String(assertions[1]), publicKey, { currentDate });
  });
});

describe('segment with OAuth: no token', () => {
  it.each([
    [400, 'the token server answered 400 Bad Request'],
    [401, 'the client is unknown; check sinks.under-test.oauth'],
    [404, 'check sinks.under-test.oauth.tokenUrl'],
    [429, 'the token server answered 429'],
    [200, 'without an access_token'],
  ])(
    'where the server answers %i fails deliveries for now only, and shows no assertion',
    async (status, why) => {
      tokens.answer = ({ body }, response) =>
        response
          .writeHead(status, { 'retry-after': '5' })
          .end(new URLSearchParams(body).get('client_assertion'));
      const results = await using(await open(), deliver);
      expect(results).toMatchObject([
        { ok: false, retryable: true, message: expect.stringContaining(why) },
      ]);
      expect(JSON.stringify(results)).not.toContain('eyJ');
      expect(server.target.received).toEqual([]);
      if (status === 429) expect(results).toMatchObject([{ retryAfter: 5_000 }]);
    },
  );

  it('is found out by a check', async () => {
    const good = await open();
    await good.check();
    expect(issued).toBe(1);
    await good.close();
    tokens.answer = (_, response) => response.writeHead(401).end();
    const bad = await open();
    expect((await failed(bad.check())).message).toContain('the client is unknown');
    await bad.close();
  });
});

describe('segment with OAuth: a configuration', () => {
  const ed25519 = generateKeyPairSync('ed25519').privateKey;
  it.each([
    ['no key', { privateKey: 'hunter2' }, 'oauth.privateKey: must be an RSA private key'],
    [
      'a key of another kind',
      { privateKey: ed25519.export({ type: 'pkcs8', format: 'pem' }).toString() },
      'oauth.privateKey: must be an RSA key',
    ],
    ['no URL', { tokenUrl: 'http://' }, 'oauth.tokenUrl: must be'],
  ])('with %s is refused, without showing it', async (_, more, message) => {
    await expect(open(more)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
    await expect(open(more)).rejects.not.toMatchObject({
      message: expect.stringContaining('hunter2'),
    });
  });

  it.each([
    ['https://api.segment.io', 'https://oauth2.segment.io'],
    ['https://events.eu1.segmentapis.com', 'https://oauth2.eu1.segmentapis.com'],
  ])('for %s asks %s', async (endpoint, expected) => {
    const { tokenUrl: _, ...options } = oauth();
    const source = createTokenSource(options, new URL(endpoint), { clock, name: 'under-test' });
    expect(source.server).toBe(expected);
  });
});
