import type { Context } from 'koa';
import type { Clock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';

/** Milliseconds. A probe writes to the disk, so probes in quicker succession get the last result. */
const PROBE_EVERY = 1000;

export interface Health {
  /** 200 as long as the process runs. */
  livez(ctx: Context): void;
  /** 200 if the outbox accepts writes and the process is not draining, else 503. */
  readyz(ctx: Context): Promise<void>;
}

export function createHealth(deps: {
  readonly clock: Clock;
  /** Rejects if a write would not be accepted now. */
  readonly outbox: { probe(): Promise<void> };
  readonly isDraining: () => boolean;
}): Health {
  const { clock, outbox, isDraining } = deps;
  let last: { readonly at: number; readonly result: Promise<void> } | undefined;

  const probe = (): Promise<void> => {
    const now = clock.monotonic();
    if (last === undefined || now - last.at > PROBE_EVERY) {
      const result = outbox.probe();
      result.catch(() => undefined);
      last = { at: now, result };
    }
    return last.result;
  };

  return {
    livez(ctx) {
      ctx.body = { status: 'alive' };
    },
    async readyz(ctx) {
      if (isDraining()) throw new TrackbridgeError('DRAINING', 'the receiver is shutting down');
      await probe();
      ctx.body = { status: 'ready' };
    },
  };
}
