import type { Context, Middleware } from 'koa';
import { TrackbridgeError } from '../core/errors.js';

/**
 * Headers of every answer of the admin listener. They keep browsers from storing, running or framing it, and other
 * sites from reading it.
 */
export const BROWSER_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

/**
 * Rejects requests that a page of another site makes a browser send. The operator's browser runs on the machine that
 * needs no token, and any page it shows can send requests to the listener. Browsers mark such requests in headers that
 * a page cannot set: `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/), and `Origin` in older browsers that lack
 * it. Programs send neither. `url` is the address that browsers use, if that is not the one in Host.
 */
export function refuseOtherSites(url: string | undefined): Middleware {
  const configured = url === undefined ? undefined : new URL(url).origin;
  return (ctx, next) => {
    const site = ctx.get('sec-fetch-site');
    const origin = ctx.get('origin');
    const sameSite = site === '' || site === 'same-origin' || (site === 'none' && isReading(ctx));
    const isOwn = origin === '' || origin === configured || isOwnOrigin(origin, ctx);
    if (sameSite && isOwn) return next();
    const advice = sameSite ? '; behind a proxy, set admin.url, or have it pass on Host' : '';
    throw new TrackbridgeError(
      'FORBIDDEN',
      `the admin API rejects requests from pages of other sites${advice}`,
    );
  };
}

/**
 * Rejects a change whose body is not labeled `application/json`. A form or an image of another site cannot use that
 * label without a preflight, and preflights are never granted.
 */
export const refuseForms: Middleware = (ctx, next) => {
  if (isReading(ctx) || /^application\/json\s*(;|$)/i.test(ctx.get('content-type'))) return next();
  throw new TrackbridgeError(
    'BODY_MALFORMED',
    'send the body as JSON, with content-type: application/json',
  );
};

function isReading(ctx: Context): boolean {
  return ctx.method === 'GET' || ctx.method === 'HEAD';
}

/**
 * Returns whether `origin` is the address that this request was sent to. `null`, which sandboxed pages and files send,
 * never matches.
 */
function isOwnOrigin(origin: string, ctx: Context): boolean {
  const own = ctx.get('host').toLowerCase();
  return own !== '' && /^https?:\/\/(.+)$/i.exec(origin)?.[1]?.toLowerCase() === own;
}
