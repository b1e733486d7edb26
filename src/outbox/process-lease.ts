import { setMaxListeners } from 'node:events';
import { TrackbridgeError } from '../core/errors.js';
import type { Lease } from './feed.js';

/**
 * The lease of a consumer in an engine that serves one process. No other process can take the lanes over, so one lease
 * covers all lanes of a consumer and lasts until the consumer is closed.
 */
export class ProcessLease implements Lease {
  readonly #revoke = new AbortController();

  constructor() {
    // Every lane listens, and a sink may have many. Node would warn of a leak from the eleventh listener on.
    setMaxListeners(0, this.revoked);
  }

  get revoked(): AbortSignal {
    return this.#revoke.signal;
  }

  async covers(): Promise<boolean> {
    return !this.revoked.aborted;
  }

  revoke(): void {
    this.#revoke.abort();
  }

  /** Throws LANE_LOST unless `lease` is this one and is not revoked. */
  require(lease: Lease): void {
    if (lease === this && !this.revoked.aborted) return;
    throw new TrackbridgeError(
      'LANE_LOST',
      'The lease of these events was revoked; claim the lane again',
    );
  }
}
