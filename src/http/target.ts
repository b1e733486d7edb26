import type { Context, Middleware } from 'koa';
import { TrackbridgeError } from '../errors.js';

/** Reading the path of `http://[::1/` throws, and `http://` has none: the caller's fault, REQUEST_MALFORMED, not ours. */
export const refuseBadTarget: Middleware = (ctx, next) => {
  if (!hasPath(ctx)) {
    throw new TrackbridgeError('REQUEST_MALFORMED', 'the request target is not a path or URL');
  }
  return next();
};

function hasPath(ctx: Context): boolean {
  try {
    return typeof ctx.path === 'string';
  } catch {
    return false;
  }
}
