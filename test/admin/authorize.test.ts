import { describe, expect, it, vi } from 'vitest';
import { authorize } from '../../src/admin/authorize.js';
import { contextOf, errorOf } from '../http/requests.js';

const TOKEN = 'the-token-of-the-admin';

async function passes(
  token: string | undefined,
  headers: Record<string, string>,
): Promise<boolean> {
  const next = vi.fn(async () => undefined);
  await authorize(token)(contextOf({ headers }), next);
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
