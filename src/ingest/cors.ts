import type { Context } from 'koa';
import type { CorsConfig } from '../config/config.js';

/** How long a browser may cache a preflight, in seconds. */
const MAX_AGE = '900';

/** Lets the origins in a source's `cors` read its answers. */
export function allowOrigin(ctx: Context, cors: CorsConfig): boolean {
  const origin = ctx.get('origin');
  ctx.vary('Origin');
  if (origin === '' || !(cors.origins.includes('*') || cors.origins.includes(origin))) return false;
  ctx.set('access-control-allow-origin', origin);
  if (cors.credentials === true) ctx.set('access-control-allow-credentials', 'true');
  // SDKs in pages wait as long as the answer's Retry-After says.
  ctx.set('access-control-expose-headers', 'retry-after, x-ratelimit-reset, x-request-id');
  return true;
}

/** Answers a preflight with 204, without the allowing headers if the origin is not listed. */
export function answerPreflight(ctx: Context, cors: CorsConfig, methods: readonly string[]): void {
  ctx.vary('Origin, Access-Control-Request-Method, Access-Control-Request-Headers');
  if (allowOrigin(ctx, cors)) {
    ctx.set('access-control-allow-methods', methods.join(', '));
    const wanted = ctx.get('access-control-request-headers');
    if (wanted !== '') ctx.set('access-control-allow-headers', wanted);
    ctx.set('access-control-max-age', MAX_AGE);
  }
  ctx.status = 204;
}
