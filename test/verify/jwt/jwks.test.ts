import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.js';
import { jwt } from '../../../src/verify/jwt/jwt.js';
import type { Verdict, Verifier } from '../../../src/verify/verifier.js';
import { signedOf } from '../signed.js';
import { JwksServer } from './jwks-server.js';

/** Time that moves only when a test or a wait moves it. */
class TestClock implements Clock {
  time = 1_000_000;
  readonly waits: number[] = [];
  now(): number {
    return this.time;
  }
  monotonic(): number {
    return this.time;
  }
  async sleep(ms: number): Promise<void> {
    this.waits.push(ms);
    this.time += ms;
  }
}

interface Signer {
  readonly kid: string | undefined;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

function signer(kid?: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'sig', ...(kid ? { kid } : {}) };
  return { kid, privateKey, jwk };
}

const first = signer('first');
const second = signer('second');

function tokenOf({ kid, privateKey }: Signer, claims = {}): Promise<string> {
  const header = { alg: 'ES256', ...(kid === undefined ? {} : { kid }) };
  return new SignJWT({ exp: LATER, ...claims }).setProtectedHeader(header).sign(privateKey);
}

const MINUTE = 60_000;
/** Seconds: after every test. */
const LATER = 100_000;
const UNAVAILABLE = { code: 'KEYS_UNAVAILABLE', status: 503, retryAfter: 1000 };

describe('jwt with a JWKS URL', () => {
  let server: JwksServer;
  let clock = new TestClock();
  let verifier: Verifier;

  beforeEach(async () => {
    server = new JwksServer();
    await server.start();
    server.behaviour = { keys: [first.jwk] };
    clock = new TestClock();
    verifier = jwt({ scheme: 'jwt', jwks: server.url, algorithms: ['ES256'] }, clock);
  });
  afterEach(() => server.stop());

  async function verify(token: string, signal = new AbortController().signal): Promise<Verdict> {
    return verifier.verify(signedOf({ rawHeaders: ['authorization', `Bearer ${token}`] }), signal);
  }
  const passes = async (by: Signer): Promise<boolean> => (await verify(await tokenOf(by))).passed;

  it('fetches the keys once for many deliveries, also at the same time', async () => {
    const token = await tokenOf(first);
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    expect(verdicts.every((verdict) => verdict.passed)).toBe(true);
    expect(await passes(first)).toBe(true);
    expect(server.requests).toBe(1);
  });

  it.each([
    ['that is no JWT', async () => 'no-token'],
    ['whose head is no JSON', async () => 'bm8.bm8.bm8'],
    ['of none', async () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`],
    [
      'of another algorithm',
      () => new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32, 'x')),
    ],
  ])('refuses a bearer %s without asking, also where nobody answers', async (_, token) => {
    await server.stop();
    expect(await verify(await token())).toMatchObject({ passed: false });
    expect(clock.waits).toEqual([]);
    // A token that a key could make good has to wait for the keys.
    await expect(verify(await tokenOf(first))).rejects.toMatchObject(UNAVAILABLE);
    await server.start();
    clock.time += 5_000;
    server.requests = 0;
    expect(await verify(await token())).toMatchObject({ passed: false });
    expect(server.requests).toBe(0);
  });

  it('takes a key that was rotated in since the last fetch, even a moment ago', async () => {
    expect(await passes(first)).toBe(true);
    server.behaviour = { keys: [second.jwk] };
    clock.time += 5;
    expect(await passes(second)).toBe(true);
    expect(await passes(first)).toBe(false);
  });

  it('fails for a key id that a fresh set does not know', async () => {
    expect(await passes(second)).toBe(false);
    expect(await passes(first)).toBe(true);
  });

  it('fetches at most once a second, however many unknown key ids come', async () => {
    expect(await passes(first)).toBe(true);
    for (let round = 1; round <= 5; round++) {
      clock.time += 5;
      const forged = await Promise.all(Array.from({ length: 10 }, () => tokenOf(second)));
      const verdicts = await Promise.all(forged.map((token) => verify(token)));
      expect(verdicts.some((verdict) => verdict.passed)).toBe(false);
      expect(server.requests).toBe(1 + round);
      expect(clock.waits).toHaveLength(round);
    }
    expect(clock.time - 1_000_000).toBeGreaterThanOrEqual(5_000);
  });

  it('takes a key that replaced another under the same key id', async () => {
    expect(await passes(first)).toBe(true);
    const replaced = { ...second, kid: 'first' };
    server.behaviour = { keys: [{ ...second.jwk, kid: 'first' }] };
    clock.time += 5;
    expect(await passes(replaced)).toBe(true);
    expect(await passes(first)).toBe(false);
  });

  it('fetches once for a token that its known key did not sign, and for many at most once a second', async () => {
    expect(await passes(first)).toBe(true);
    clock.time += 5_000;
    const forged = { ...second, kid: 'first' };
    expect(await passes(forged)).toBe(false);
    expect(server.requests).toBe(2);
    clock.time += 5;
    const before = clock.time;
    const tokens = await Promise.all(Array.from({ length: 20 }, () => tokenOf(forged)));
    const verdicts = await Promise.all(tokens.map((token) => verify(token)));
    expect(verdicts.some((verdict) => verdict.passed)).toBe(false);
    expect(server.requests).toBe(3);
    expect(clock.time - before).toBeGreaterThanOrEqual(990);
  });

  it('drops a key that was taken back once the set is ten minutes old', async () => {
    expect(await passes(first)).toBe(true);
    server.behaviour = { keys: [second.jwk] };
    clock.time += 10 * MINUTE;
    expect(await passes(first)).toBe(true);
    expect(server.requests).toBe(1);
    clock.time += 1;
    expect(await passes(first)).toBe(false);
    expect(server.requests).toBe(2);
  });

  it('waits a second between two fetches, also after a failure, and no longer', async () => {
    expect(await passes(first)).toBe(true);
    clock.time += 999;
    expect(await passes(second)).toBe(false);
    expect(clock.waits).toEqual([1]);
    clock.time += 1_000;
    server.behaviour = (response) => response.writeHead(500).end();
    await expect(verify(await tokenOf(second))).rejects.toMatchObject(UNAVAILABLE);
    expect(clock.waits).toEqual([1]);
    clock.time += 400;
    server.behaviour = { keys: [second.jwk] };
    expect(await passes(second)).toBe(true);
    expect(clock.waits).toEqual([1, 600]);
    expect(server.requests).toBe(4);
  });

  it('tries every key for a token without a key id, and newer ones', async () => {
    const [one, two, three] = [signer(), signer(), signer()];
    server.behaviour = { keys: [one.jwk, two.jwk] };
    expect(await passes(one)).toBe(true);
    expect(await passes(two)).toBe(true);
    expect(server.requests).toBe(1);
    server.behaviour = { keys: [three.jwk] };
    clock.time += 5;
    expect(await passes(three)).toBe(true);
    clock.time += 5;
    expect(await passes(two)).toBe(false);
  });

  it('fails at once for an expired token without a key id, though another key might fit', async () => {
    const [one, two] = [signer(), signer()];
    server.behaviour = { keys: [one.jwk, two.jwk] };
    const verdict = await verify(await tokenOf(one, { exp: clock.time / 1_000 - 61 }));
    expect(verdict).toMatchObject({
      passed: false,
      reason: expect.stringContaining('"exp" claim'),
    });
  });

  it('asks no host that resolves to a private address, unless that is allowed', async () => {
    const jwks = server.url.replace('127.0.0.1', 'keys.example');
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    const config = { scheme: 'jwt', jwks, algorithms: ['ES256'] } as const;
    verifier = jwt({ ...config, algorithms: ['ES256'] }, clock, resolve);
    await expect(verify(await tokenOf(first))).rejects.toMatchObject(UNAVAILABLE);
    expect(server.requests).toBe(0);
    verifier = jwt(
      { ...config, algorithms: ['ES256'], allowPrivateAddresses: true },
      clock,
      resolve,
    );
    expect(await passes(first)).toBe(true);
  });

  it('says whether the endpoint is unreachable or returns no key set', async () => {
    server.behaviour = 'no key set' as never;
    await expect(verify(await tokenOf(first))).rejects.toThrow('returned no usable key set');
    await server.stop();
    verifier = jwt({ scheme: 'jwt', jwks: server.url, algorithms: ['ES256'] }, clock);
    await expect(verify(await tokenOf(first))).rejects.toThrow('is unreachable');
  });

  it('fails for a symmetric key in the set and a token of another algorithm', async () => {
    const secret = Buffer.from('published-by-mistake-and-long-enough');
    server.behaviour = { keys: [{ kty: 'oct', k: secret.toString('base64url'), kid: 'x' }] };
    const token = await new SignJWT().setProtectedHeader({ alg: 'HS256', kid: 'x' }).sign(secret);
    const both = { jwks: server.url, algorithms: ['ES256', 'HS256'] };
    verifier = jwt({ scheme: 'jwt', ...both }, clock);
    expect((await verify(token)).passed).toBe(false);
  });

  it('fails for an expired token without calling it an outage', async () => {
    const token = await tokenOf(first, { exp: clock.time / 1000 - 61 });
    expect((await verify(token)).passed).toBe(false);
  });

  describe('during an outage', () => {
    it.each<[string, () => void]>([
      ['a refused connection', () => undefined],
      [
        'a status',
        () => {
          server.behaviour = (response) => response.writeHead(500).end();
        },
      ],
      [
        'a redirect',
        () => {
          server.behaviour = (response) => response.writeHead(302, { location: '/' }).end();
        },
      ],
      [
        'text',
        () => {
          server.behaviour = (response) => void response.end('<html>');
        },
      ],
      [
        'JSON that is no key set',
        () => {
          server.behaviour = (response) => void response.end('{"keys":7}');
        },
      ],
      [
        'a broken connection',
        () => {
          server.behaviour = (response) => void response.destroy();
        },
      ],
    ])('cannot tell without keys, and recovers: %s', async (what, misbehave) => {
      misbehave();
      if (what === 'a refused connection') await server.stop();
      await expect(verify(await tokenOf(first))).rejects.toMatchObject(UNAVAILABLE);
      if (what === 'a refused connection') await server.start();
      server.behaviour = { keys: [first.jwk] };
      expect(await passes(first)).toBe(true);
    });

    it('cannot tell with a key that is published broken', async () => {
      server.behaviour = { keys: [{ ...first.jwk, y: 'AAAA' }] };
      await expect(verify(await tokenOf(first))).rejects.toMatchObject(UNAVAILABLE);
    });

    it('keeps trusting the keys at hand, however old, and takes new ones after it', async () => {
      expect(await passes(first)).toBe(true);
      await server.stop();
      for (let hour = 0; hour < 3; hour++) {
        clock.time += 60 * MINUTE;
        expect(await passes(first)).toBe(true);
      }
      await server.start();
      server.behaviour = { keys: [second.jwk] };
      clock.time += 5;
      expect(await passes(second)).toBe(true);
      expect(await passes(first)).toBe(false);
    });

    it('cannot tell about an unknown key id, which may be of a rotated key', async () => {
      expect(await passes(first)).toBe(true);
      await server.stop();
      clock.time += 5;
      await expect(verify(await tokenOf(second))).rejects.toMatchObject(UNAVAILABLE);
      expect(await passes(first)).toBe(true);
    });

    it('still refuses what no key could make good', async () => {
      expect(await passes(first)).toBe(true);
      await server.stop();
      expect((await verify('nonsense')).passed).toBe(false);
      const expired = await tokenOf(first, { exp: clock.time / 1000 - 61 });
      expect((await verify(expired)).passed).toBe(false);
    });

    it('cannot tell about a bad signature by a known key id, whose key may have been replaced', async () => {
      expect(await passes(first)).toBe(true);
      await server.stop();
      clock.time += 5;
      const replaced = await tokenOf({ ...second, kid: 'first' });
      await expect(verify(replaced)).rejects.toMatchObject(UNAVAILABLE);
      expect(await passes(first)).toBe(true);
    });

    it('holds by a second Authorization line where only the first needs the missing keys', async () => {
      expect(await passes(first)).toBe(true);
      await server.stop();
      clock.time += 5;
      const lines = await Promise.all([tokenOf(second), tokenOf(first)]);
      const rawHeaders = lines.flatMap((token) => ['authorization', `Bearer ${token}`]);
      const { signal } = new AbortController();
      expect((await verifier.verify(signedOf({ rawHeaders }), signal)).passed).toBe(true);
    });

    it('names neither the URL nor the token in its message', async () => {
      await server.stop();
      const token = await tokenOf(first);
      const error: unknown = await verify(token).catch((thrown: unknown) => thrown);
      expect(String(error)).not.toContain('127.0.0.1');
      expect(String(error)).not.toContain(token);
    });
  });

  describe('at an endpoint that does not answer', () => {
    it('stops waiting when the budget is spent, and lets others have the fetch', async () => {
      const asked = new Promise<() => void>((resolve) => {
        server.behaviour = (response) =>
          resolve(() => void response.end(JSON.stringify({ keys: [first.jwk] })));
      });
      const token = await tokenOf(first);
      const budget = new AbortController();
      const hurried = verify(token, budget.signal);
      const patient = verify(token);
      const answer = await asked;
      budget.abort();
      await expect(hurried).rejects.toMatchObject(UNAVAILABLE);
      answer();
      expect((await patient).passed).toBe(true);
      expect(server.requests).toBe(1);
    });

    it('gives up by itself well before a sender does', async () => {
      server.behaviour = () => undefined;
      const started = performance.now();
      await expect(verify(await tokenOf(first))).rejects.toMatchObject(UNAVAILABLE);
      expect(performance.now() - started).toBeLessThan(4_000);
    });

    it('looks again where a fetch failed that began before the delivery came', async () => {
      const [known, rotated] = await Promise.all([tokenOf(first), tokenOf(second)]);
      expect((await verify(known)).passed).toBe(true);
      clock.time += 10 * MINUTE + 1;
      server.behaviour = (response) => void response.writeHead(500).end();
      expect((await verify(known)).passed).toBe(true);
      const asked = new Promise<() => void>((resolve) => {
        server.behaviour = (response) => resolve(() => void response.writeHead(500).end());
      });
      expect((await verify(known)).passed).toBe(true);
      const fail = await asked;
      clock.time += 5;
      const late = verify(rotated);
      // An unknown key id needs no cryptography, so by the next turn of the loop the delivery waits for the fetch.
      await new Promise(setImmediate);
      server.behaviour = { keys: [first.jwk, second.jwk] };
      fail();
      expect((await late).passed).toBe(true);
    });

    it('holds no delivery up that the keys at hand can settle, once a fetch has failed', async () => {
      const token = await tokenOf(first);
      expect((await verify(token)).passed).toBe(true);
      clock.time += 10 * MINUTE + 1;
      server.behaviour = (response) => void response.writeHead(500).end();
      expect((await verify(token)).passed).toBe(true);
      server.behaviour = () => undefined;
      const started = performance.now();
      expect((await verify(token)).passed).toBe(true);
      // Waiting for the fetch would take its whole time limit of two seconds.
      expect(performance.now() - started).toBeLessThan(1_900);
    });

    it('fails at once where the budget is spent already', async () => {
      server.behaviour = () => undefined;
      await expect(verify(await tokenOf(first), AbortSignal.abort())).rejects.toMatchObject({
        ...UNAVAILABLE,
        cause: { name: 'AbortError' },
      });
    });
  });
});
