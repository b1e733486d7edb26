import { SignJWT } from 'jose';
import type { Context } from 'koa';
import { describe, expect, it, vi } from 'vitest';
import { authorize, type Credentials } from '../../src/admin/authorize.js';
import type { TrackbridgeError } from '../../src/core/errors.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { contextOf, errorOf } from '../http/requests.js';

const TOKEN = 'the-token-of-the-admin';

async function passes(
  token: string | undefined,
  headers: Record<string, string>,
): Promise<boolean> {
  const next = vi.fn(async () => undefined);
  const credentials = token === undefined ? {} : { token };
  await authorize(credentials, new FakeClock())(contextOf({ headers }), next);
  return next.mock.calls.length === 1;
}

describe('with a token', () => {
  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN}`])(
    'lets `%s` through, under any host name',
    async (authorization) => {
      expect(await passes(TOKEN, { authorization, host: 'admin.example' })).toBe(true);
    },
  );

  it.each([
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Bearer${TOKEN}`,
  ])('refuses `%s`, also from this machine', async (authorization) => {
    const error = await errorOf(() => passes(TOKEN, { authorization, host: 'localhost' }));
    expect(error).toMatchObject({
      code: 'UNAUTHENTICATED',
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
    });
    expect((error as Error).message).not.toContain(TOKEN);
  });

  it('is no token where it is empty', async () => {
    expect(await errorOf(() => passes('', { authorization: 'Bearer ' }))).toMatchObject({
      status: 401,
    });
  });
});

describe('without a token', () => {
  it.each(['localhost', 'LOCALHOST:8081', '127.0.0.1', '127.0.0.1:8081', '127.8.9.1', '[::1]:80'])(
    'lets through who asks for `%s`',
    async (host) => {
      expect(await passes(undefined, { host })).toBe(true);
    },
  );

  it.each([
    '',
    'rebound.example',
    'rebound.example:8081',
    'localhost.rebound.example',
    '127.0.0.1.rebound.example',
    'rebound.example#localhost',
    'localhost@rebound.example',
    '128.0.0.1',
    '[::1].rebound.example',
    '0.0.0.0',
  ])('refuses a name that could have been made to point here: `%s`', async (host) => {
    expect(await errorOf(() => passes(undefined, { host }))).toMatchObject({
      code: 'FORBIDDEN',
      status: 403,
    });
  });
});

describe('with a JSON Web Token', () => {
  const SECRET = 'the-key-of-the-identity-provider-01';
  const jwt = { key: SECRET, audience: 'trackbridge', algorithms: ['HS256'] };
  const issue = async (audience = 'trackbridge', key = SECRET): Promise<string> => {
    const made = new SignJWT({ aud: audience, exp: 1e10 }).setProtectedHeader({ alg: 'HS256' });
    return `Bearer ${await made.sign(Buffer.from(key))}`;
  };
  const ask = async (credentials: Credentials, authorization: string): Promise<unknown> => {
    const next = vi.fn(async () => undefined);
    const context = contextOf({ headers: { authorization, host: 'admin.example' } });
    try {
      await authorize(credentials, new FakeClock())(context, next);
      return next.mock.calls.length;
    } catch (error) {
      return (error as TrackbridgeError).status;
    }
  };

  it('lets through one that verifies, and no other', async () => {
    expect(await ask({ jwt }, await issue())).toBe(1);
    expect(await ask({ jwt }, await issue('another'))).toBe(401);
    expect(await ask({ jwt }, await issue('trackbridge', `${SECRET}2`))).toBe(401);
    expect(await ask({ jwt }, `Bearer ${TOKEN}`)).toBe(401);
    expect(await ask({ jwt }, '')).toBe(401);
  });

  it('refuses one that never expires, unless it is told otherwise', async () => {
    const made = new SignJWT({ aud: 'trackbridge' }).setProtectedHeader({ alg: 'HS256' });
    const forever = `Bearer ${await made.sign(Buffer.from(SECRET))}`;
    expect(await ask({ jwt }, forever)).toBe(401);
    expect(await ask({ jwt: { ...jwt, requireExp: false } }, forever)).toBe(1);
  });

  it('and a token beside it, either suffices', async () => {
    expect(await ask({ jwt, token: TOKEN }, await issue())).toBe(1);
    expect(await ask({ jwt, token: TOKEN }, `Bearer ${TOKEN}`)).toBe(1);
    expect(await ask({ jwt, token: TOKEN }, `Bearer ${TOKEN}x`)).toBe(401);
  });

  it('says where a key is configured that is none', async () => {
    const broken = { ...jwt, key: '-----BEGIN nothing', algorithms: ['RS256'] };
    expect(await errorOf(() => authorize({ jwt: broken }, new FakeClock()))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'admin.jwt.key cannot be read as a PEM public key',
    });
  });
});

describe('guesses', () => {
  const guard = authorize({ token: TOKEN }, new FakeClock());
  const ask = async (request: Context): Promise<unknown> => {
    try {
      await guard(request, async () => undefined);
      return 200;
    } catch (error) {
      return (error as TrackbridgeError).status;
    }
  };

  it('are one a request: several lines in one are all wrong, the right one among them', async () => {
    const context = contextOf({ headers: { authorization: `Bearer ${TOKEN}` } });
    expect(await ask(context)).toBe(200);
    context.req.rawHeaders.push('Authorization', 'Bearer another');
    expect(await ask(context)).toBe(401);
  });

  it('are not made by asking without credentials, and are refused after some with', async () => {
    const statuses: unknown[] = [];
    for (let time = 0; time < 20; time++) statuses.push(await ask(contextOf({})));
    expect(statuses).toEqual(Array(20).fill(401));
    for (let time = 0; time < 20; time++) {
      statuses.push(await ask(contextOf({ headers: { authorization: `Bearer ${time}` } })));
    }
    expect(statuses.at(-1)).toBe(429);
    expect(await ask(contextOf({ headers: { authorization: `Bearer ${TOKEN}` } }))).toBe(429);
  });
});
