import { withinTime } from '../../core/clock.js';
import type { DispatchPorts } from '../ports.js';
import type { BreakerEvents } from './breaker.js';

/** Milliseconds that the outbox has to report the backlog. The log line is not worth a longer wait. */
const BACKLOG_WITHIN = 1_000;

/** Returns the number of events pending for a sink; undefined if it is not known. */
export type Backlog = (sink: string) => Promise<number | undefined>;

/** Logs when a circuit opens and when it closes, one line each, and publishes openings. */
export function createCircuitReport(
  sink: string,
  { clock, log, observations }: DispatchPorts,
  backlog: Backlog,
): BreakerEvents {
  const pendingNow = (): Promise<number | undefined> => {
    const pending = backlog(sink).catch(() => undefined);
    return withinTime(pending, BACKLOG_WITHIN, clock, () => undefined);
  };
  return {
    opened({ error, failures, lanes, probeIn }) {
      observations.circuitOpened.publish({ sink });
      const fields = { sink, failures, lanes, probeIn: Math.round(probeIn), error };
      log.warn(
        fields,
        'the sink is down: its circuit is open; Trackbridge probes it with one attempt at a time',
      );
    },
    closed(openFor) {
      void pendingNow().then((pending) => {
        const fields = {
          sink,
          openFor: Math.round(openFor),
          ...(pending !== undefined && { pending }),
        };
        log.info(fields, 'the sink is up again: its circuit is closed');
      });
    },
  };
}
