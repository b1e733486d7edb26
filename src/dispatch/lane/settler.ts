import { messageOf, TrackbridgeError } from '../../core/errors.js';
import type { Consumer, Lease, Settlement } from '../../outbox/feed.js';
import { backoff } from '../backoff.js';
import type { Health } from '../health.js';
import type { DispatchPorts } from '../ports.js';
import { childOf } from '../signals.js';

/** Backoff while the outbox fails. An operator has to free a full disk, so neither giving up nor hurrying helps. */
export const OUTBOX_RETRY = { initial: 100, max: 5_000 };

export interface SettlerOptions {
  readonly sink: string;
  readonly consumer: Consumer;
  readonly health: Health;
  readonly ports: DispatchPorts;
  /** Aborting it ends the retries. */
  readonly hard: AbortSignal;
}

/** Records what became of events claimed under this lease. */
export type Settle = (lease: Lease, settlements: readonly Settlement[]) => Promise<Settled>;

export type Settled =
  /** Durably. */
  | 'recorded'
  /** A stop ended the retries. The events are redelivered after the restart. */
  | 'stopped'
  /** The lease was revoked. The lane must drop the events: another consumer may have claimed them. */
  | 'revoked';

/**
 * Creates the function that records settlements. If the outbox fails, it keeps the settlements and retries until it
 * succeeds or the lease is revoked, while its lane waits: delivered events must not be sent again because a disk was
 * full.
 */
export function createSettle(options: SettlerOptions): Settle {
  const { sink, consumer, health, ports, hard } = options;
  const { clock, log, observations, random } = ports;

  const record = async (lease: Lease, settlements: readonly Settlement[]): Promise<Settled> => {
    for (let failures = 1; !lease.revoked.aborted; failures++) {
      try {
        await consumer.settle(lease, settlements);
        return 'recorded';
      } catch (error) {
        if (isLaneLost(error)) return 'revoked';
        const reason = `the outbox did not record what was delivered: ${messageOf(error)}`;
        health.failed(reason);
        log.warn({ sink, err: error, events: settlements.length }, `${reason}; retrying`);
        await pause(lease, backoff(failures, OUTBOX_RETRY, random));
        if (hard.aborted) return 'stopped';
      }
    }
    return 'revoked';
  };

  const pause = async (lease: Lease, wait: number): Promise<void> => {
    const over = childOf(hard, lease.revoked);
    if (!over.signal.aborted) await health.whileBackingOff(clock.sleep(wait, over.signal));
    over.release();
  };

  return async (lease, settlements) => {
    if (settlements.length === 0) return 'recorded';
    const settled = await record(lease, settlements);
    if (settled === 'revoked') {
      log.warn(
        { sink, events: settlements.length },
        'another process took over a lane: the results of this process are not recorded, and events may be duplicated',
      );
    }
    if (settled !== 'recorded') return settled;
    const dead = settlements.filter(({ outcome }) => outcome === 'dead').length;
    if (dead > 0) {
      log.warn({ sink, events: dead }, 'events became dead letters; see trackbridge dead-letters');
    }
    const filtered = settlements.filter(({ outcome }) => outcome === 'filtered').length;
    if (observations.settled.isObserved) observations.settled.publish({ sink, dead, filtered });
    return 'recorded';
  };
}

function isLaneLost(error: unknown): boolean {
  return error instanceof TrackbridgeError && error.code === 'LANE_LOST';
}
