import type { Lease } from '../../outbox/feed.js';
import type { StopSignals } from '../ports.js';
import { childOf } from '../signals.js';

/** The time during which a lane works under one lease, with the signals that end what it does. */
export interface Tenure {
  readonly lease: Lease;
  /** Aborts when a wait is no longer worthwhile: at a soft stop, or when the lease is revoked. */
  readonly waits: AbortSignal;
  /** Aborts when an attempt must end: at a hard stop, or when the lease is revoked. */
  readonly attempts: AbortSignal;
  /** Must be called at the end, since the stop signals live as long as the sink. */
  end(): void;
}

export function beginTenure(lease: Lease, { soft, hard }: StopSignals): Tenure {
  const waits = childOf(soft, lease.revoked);
  const attempts = childOf(hard, lease.revoked);
  return {
    lease,
    waits: waits.signal,
    attempts: attempts.signal,
    end: () => {
      waits.release();
      attempts.release();
    },
  };
}
