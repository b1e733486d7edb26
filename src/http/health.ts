import type { Context } from 'koa';
import type { Clock } from '../clock.js';
import { TrackbridgeError } from '../errors.js';
import type { Outbox } from '../outbox/outbox.js';

/** A probe writes to the disk; whoever asks faster than this gets the last answer again. */
const PROBE_EVERY = 1000;

export interface Health {
  /** 200 as long as the process runs. */
  livez(ctx: Context): void;
  /** 200 where the outbox takes writes and the process is not draining, else 503. */
  readyz(ctx: Context): Promise<void>;
}

export function createHealth(deps: {
  readonly clock: Clock;
  readonly outbox: Pick<Outbox, 'probe'>;
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
