import { messageOf } from '../errors.js';
import type { Consumer, Settlement } from '../outbox/outbox.js';
import { backoff } from './backoff.js';
import type { Health } from './health.js';
import type { DispatchPorts } from './ports.js';

/** Waits while the outbox fails: a full disk is freed by an operator, so there is no point in giving up or in hurrying. */
export const OUTBOX_RETRY = { initial: 100, max: 5_000 };

export interface SettlerOptions {
  readonly sink: string;
  readonly consumer: Consumer;
  readonly health: Health;
  readonly ports: DispatchPorts;
  /** Ends the retries. */
  readonly hard: AbortSignal;
  /** Called with what is settled for good, once that is durable. */
  readonly onSettled: (ids: readonly string[]) => void;
}

/** Records settlements; resolves to whether they are durable. */
export type Settle = (settlements: readonly Settlement[]) => Promise<boolean>;

/**
 * Makes the function that records what became of events. Where the outbox fails it keeps the settlements and tries again
 * until it succeeds, and its lane waits: what was delivered must not be sent again because a disk was full. It resolves
 * to false only where a stop cut that short; the events are then delivered again after the restart.
 */
export function createSettle(options: SettlerOptions): Settle {
  const { sink, consumer, health, ports, hard, onSettled } = options;
  const { clock, log, metrics, random } = ports;
  return async (settlements) => {
    if (settlements.length === 0) return true;
    for (let failures = 1; ; failures++) {
      try {
        await consumer.settle(settlements);
        break;
      } catch (error) {
        const reason = `the outbox did not record what was delivered: ${messageOf(error)}`;
        health.failed(reason);
        log.warn({ sink, err: error, events: settlements.length }, `${reason}; trying again`);
        if (hard.aborted) return false;
        const wait = backoff(failures, OUTBOX_RETRY, random);
        await health.whileBackingOff(clock.sleep(wait, hard));
        if (hard.aborted) return false;
      }
    }
    const dead = settlements.filter(({ outcome }) => outcome === 'dead').length;
    if (dead > 0) {
      metrics.deadLetter(sink, dead);
      log.warn({ sink, events: dead }, 'events became dead letters; see trackbridge dead-letters');
    }
    onSettled(settlements.filter(({ outcome }) => outcome !== 'retry').map(({ id }) => id));
    return true;
  };
}
