import type Router from '@koa/router';
import { TrackbridgeError } from '../core/errors.js';

export interface ReloadRouteDeps {
  /** Reads the configuration again and applies it. Resolves to what has changed. Rejects with CONFIG_INVALID. */
  readonly reload: () => Promise<object>;
}

/** The route that reloads the configuration. An invalid one is answered 422 with every error. */
export function reloadRoute(router: Router, { reload }: ReloadRouteDeps): void {
  router.post('/api/reload', async (ctx) => {
    try {
      ctx.body = await reload();
    } catch (error) {
      throw rejectionOf(error);
    }
  });
}

/** A configuration that cannot be applied is the caller's fault here, not the receiver's. */
function rejectionOf(error: unknown): unknown {
  if (!(error instanceof TrackbridgeError)) return error;
  const { cause, code, errors, message } = error;
  if (code !== 'CONFIG_INVALID') return error;
  return new TrackbridgeError('RELOAD_REJECTED', message, {
    errors: errors ?? [{ path: '', message }],
    cause,
  });
}
