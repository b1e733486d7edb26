import type { Lease, Settlement } from '../../outbox/feed.js';
import type { Settle, Settled } from './settler.js';

/** A lane may go on while fewer events than this, or than two of its batches hold, are not recorded yet. */
const FEWEST_AHEAD = 128;

interface Group {
  readonly lease: Lease;
  readonly settlements: Settlement[];
}

/**
 * Records what became of a lane's events while the lane goes on. One settlement is in progress at a time and takes along
 * everything that was added before it began, so a lane does not wait for the disk after each batch, and no event is
 * recorded before an earlier one of its user.
 */
export class Settling {
  readonly #settle: Settle;
  readonly #most: number;
  /** What the next settlements record, one group per lease. */
  readonly #waiting: Group[] = [];
  /** The number of events that are not recorded yet. */
  #open = 0;
  #inProgress: Promise<Settled> | undefined;

  constructor(settle: Settle, batchSize: number) {
    this.#settle = settle;
    this.#most = Math.max(FEWEST_AHEAD, 2 * batchSize);
  }

  /**
   * Adds settlements under the lane's lease. Resolves to whether the lane may go on: soon if there are only deliveries
   * and filtered events, and not too many; otherwise once all are recorded, because a restart must not forget a failed
   * attempt. False means that a stop or a revoked lease has ended the recording.
   */
  async add(lease: Lease, settlements: readonly Settlement[]): Promise<boolean> {
    if (settlements.length === 0) return true;
    const last = this.#waiting.at(-1);
    if (last?.lease === lease) last.settlements.push(...settlements);
    else this.#waiting.push({ lease, settlements: [...settlements] });
    this.#open += settlements.length;
    this.#inProgress ??= this.#next();
    const most = settlements.some((each) => 'attempt' in each) ? 1 : this.#most;
    let settled: Settled = 'recorded';
    while (this.#open >= most && this.#inProgress !== undefined) settled = await this.#inProgress;
    return settled === 'recorded' && !lease.revoked.aborted;
  }

  /** Resolves once nothing is in progress. */
  async idle(): Promise<void> {
    while (this.#inProgress !== undefined) await this.#inProgress;
  }

  async #next(): Promise<Settled> {
    const group = this.#waiting.shift();
    if (group === undefined) return 'recorded';
    const settled = await this.#settle(group.lease, group.settlements);
    this.#open -= group.settlements.length;
    this.#inProgress = this.#waiting.length > 0 ? this.#next() : undefined;
    return settled;
  }
}
