import { setMaxListeners } from 'node:events';
import { TrackbridgeError } from '../../../core/errors.js';
import type { Waiters } from '../../../core/waiters.js';
import type { Lease } from '../../feed.js';
import type { Membership } from '../members.js';

/** An attempt that takes longer than this part of the lease could never begin. */
const LONGEST = 0.8;

export interface LeaseDeps {
  readonly membership: Membership;
  /** Woken with each renewal of the member's lease. */
  readonly renewals: Waiters;
  /** The lease of the member, in milliseconds. */
  readonly lasts: number;
}

/** The right of this process to the events of a lane: as long as it is a member and owns their partitions. */
export class LaneLease implements Lease {
  readonly #deps: LeaseDeps;
  readonly #revoke = new AbortController();

  constructor(deps: LeaseDeps) {
    this.#deps = deps;
    setMaxListeners(0, this.revoked);
  }

  get revoked(): AbortSignal {
    return this.#revoke.signal;
  }

  async covers(ms: number): Promise<boolean> {
    const { lasts, membership, renewals } = this.#deps;
    const needed = Math.min(ms, lasts * LONGEST);
    while (!this.revoked.aborted && !membership.covers(needed)) await renewals.wait(this.revoked);
    return !this.revoked.aborted;
  }

  revoke(): void {
    this.#revoke.abort();
  }
}

export function laneLost(): TrackbridgeError {
  return new TrackbridgeError(
    'LANE_LOST',
    'The lease of these events was revoked; claim the lane again',
  );
}
