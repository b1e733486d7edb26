import type { Context } from 'koa';
import { describe, expect, it } from 'vitest';
import { allowOrigin, answerPreflight } from '../../src/ingest/cors.js';
import { contextOf } from '../http/requests.js';

const cors = { origins: ['https://app.example', 'https://www.example'] };
const from = (origin: string, more: Record<string, string> = {}): Context =>
  contextOf({ headers: { origin, ...more } });
const headersOf = (ctx: Context) => ({ ...ctx.response.headers });

describe('an origin', () => {
  it('that is listed may read the answer and the headers that help', () => {
    const ctx = from('https://www.example');
    expect(allowOrigin(ctx, cors)).toBe(true);
    expect(headersOf(ctx)).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': 'https://www.example',
      'access-control-expose-headers': 'retry-after, x-ratelimit-reset, x-request-id',
    });
  });

  it.each(['https://evil.example', 'https://app.example.evil', 'https://APP.example', 'null', ''])(
    'that is `%s` may not, and a cache is told that it depends',
    (origin) => {
      const ctx = from(origin);
      expect(allowOrigin(ctx, cors)).toBe(false);
      expect(headersOf(ctx)).toEqual({ vary: 'Origin' });
    },
  );

  it('may be any where the source says so, and is then named, never `*`', () => {
    const ctx = from('https://any.example');
    expect(allowOrigin(ctx, { origins: ['*'] })).toBe(true);
    expect(headersOf(ctx)).toMatchObject({ 'access-control-allow-origin': 'https://any.example' });
    expect(allowOrigin(contextOf(), { origins: ['*'] })).toBe(false);
  });
});

describe('a preflight', () => {
  it('of a listed origin is granted the methods of the source and the headers it asks for', () => {
    const ctx = from('https://app.example', {
      'access-control-request-headers': 'x-signature, content-type',
    });
    answerPreflight(ctx, cors, ['POST', 'PUT']);
    expect(ctx.status).toBe(204);
    expect(headersOf(ctx)).toMatchObject({
      'access-control-allow-methods': 'POST, PUT',
      'access-control-allow-headers': 'x-signature, content-type',
      'access-control-max-age': '900',
    });
    // A browser must not add its cookies to what scripts of another site send.
    expect(headersOf(ctx)).not.toHaveProperty('access-control-allow-credentials');
  });

  it('that asks for no headers is granted none', () => {
    const ctx = from('https://app.example');
    answerPreflight(ctx, cors, ['POST']);
    expect(headersOf(ctx)).not.toHaveProperty('access-control-allow-headers');
  });

  it('of another origin is answered without a grant', () => {
    const ctx = from('https://evil.example', { 'access-control-request-headers': 'x-signature' });
    answerPreflight(ctx, cors, ['POST']);
    expect(ctx.status).toBe(204);
    expect(headersOf(ctx)).toEqual({
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
  });

  it('lets pages send their cookies along only where the source says so', () => {
    const ctx = from('https://app.example');
    answerPreflight(ctx, { ...cors, credentials: true }, ['POST']);
    expect(headersOf(ctx)).toMatchObject({ 'access-control-allow-credentials': 'true' });
  });
});
