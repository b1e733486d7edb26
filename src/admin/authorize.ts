import type { Context, Next } from 'koa';
import { TrackbridgeError } from '../errors.js';
import { headerBytes, secretMatcher } from '../verify/compare.js';

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Lets a request through that shows the admin token. Without a token the listener is on loopback only (the configuration
 * sees to it), and the Host header must be loopback too: a page in the operator's browser could otherwise reach it under
 * a name of its own that resolves to 127.0.0.1.
 */
export function authorize(token: string | undefined): (ctx: Context, next: Next) => Promise<void> {
  const isToken = secretMatcher(token === undefined ? [] : [token]);
  return async (ctx, next) => {
    if (token === undefined) {
      if (!LOOPBACK.test(ctx.get('host'))) {
        throw new TrackbridgeError(
          'FORBIDDEN',
          'without admin.token the admin API answers only to localhost, 127.0.0.1 and [::1]',
        );
      }
    } else if (!isToken(headerBytes(bearerOf(ctx.get('authorization'))))) {
      throw new TrackbridgeError(
        'UNAUTHENTICATED',
        'the admin API needs admin.token as a bearer token',
        {
          headers: { 'www-authenticate': 'Bearer' },
        },
      );
    }
    await next();
  };
}

function bearerOf(authorization: string): string {
  return /^bearer +/i.test(authorization) ? authorization.replace(/^bearer +/i, '') : '';
}
