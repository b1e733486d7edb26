import type { Context, Middleware } from 'koa';
import { TrackbridgeError } from '../core/errors.js';

/**
 * Rejects requests that Koa cannot read or would misread, with REQUEST_MALFORMED: a target that is neither a path nor a
 * URL, for which `ctx.path` throws, and two `Host` lines, of which a proxy may have read the other one.
 */
export const rejectBadHead: Middleware = (ctx, next) => {
  if (!hasPath(ctx)) {
    throw new TrackbridgeError('REQUEST_MALFORMED', 'the request target is not a path or URL');
  }
  if (hasTwoHosts(ctx.req.rawHeaders)) {
    throw new TrackbridgeError('REQUEST_MALFORMED', 'the request has two Host lines; send one');
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

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    // Comparing lengths first spares nearly every line a lower-case copy of its name.
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}
