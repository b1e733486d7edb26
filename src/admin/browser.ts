import type { Context, Middleware } from 'koa';
import { TrackbridgeError } from '../errors.js';

/** Headers of every answer of the admin listener: nothing of it is stored, run, framed or read by another site. */
export const BROWSER_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

/**
 * Refuses what a page of another site has a browser ask: the operator's browser is on the machine that may ask without a
 * token, and whatever page it shows may send requests there. Browsers say so themselves, in headers that a page cannot
 * set: `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/), and `Origin` where an older one does not know that.
 * Programs send neither.
 */
export const refuseOtherSites: Middleware = (ctx, next) => {
  const site = ctx.get('sec-fetch-site');
  const origin = ctx.get('origin');
  const sameSite = site === '' || site === 'same-origin' || (site === 'none' && isReading(ctx));
  if (sameSite && (origin === '' || isOwnOrigin(origin, ctx))) return next();
  throw new TrackbridgeError('FORBIDDEN', 'the admin API does not answer to pages of other sites');
};

/**
 * Refuses a change whose body is not labelled `application/json`: a form or an image of another site cannot label one so
 * without asking first, and that is never granted.
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

/** Whether it is the address this very request went to. `null`, which sandboxed pages and files send, is nobody's. */
function isOwnOrigin(origin: string, ctx: Context): boolean {
  const own = ctx.get('host').toLowerCase();
  return own !== '' && /^https?:\/\/(.+)$/i.exec(origin)?.[1]?.toLowerCase() === own;
}
