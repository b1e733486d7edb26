import type { BreakerEvents } from './breaker.js';
import type { DispatchPorts } from './ports.js';

/** Milliseconds that the outbox has to say how much waits: the line is not worth more. */
const BACKLOG_WITHIN = 1_000;

/** Events that a sink has not settled; undefined where that is not known. */
export type Backlog = (sink: string) => Promise<number | undefined>;

/** Tells the operator when a circuit opens and when it closes: one line each, and a count of openings. */
export function createCircuitReport(
  sink: string,
  { clock, log, metrics }: DispatchPorts,
  backlog: Backlog,
): BreakerEvents {
  const pendingNow = async (): Promise<number | undefined> => {
    const ended = new AbortController();
    const late = clock.sleep(BACKLOG_WITHIN, ended.signal).then(() => undefined);
    try {
      return await Promise.race([backlog(sink).catch(() => undefined), late]);
    } finally {
      ended.abort();
    }
  };
  return {
    opened({ error, failures, lanes, probeIn }) {
      metrics.circuitOpened(sink);
      const fields = { sink, failures, lanes, probeIn: Math.round(probeIn), error };
      log.warn(fields, 'the sink is down: its circuit is open, one attempt at a time tries it');
    },
    closed(openFor) {
      void pendingNow().then((pending) => {
        const fields = {
          sink,
          openFor: Math.round(openFor),
          ...(pending !== undefined && { pending }),
        };
        log.info(fields, 'the sink is back: its circuit is closed');
      });
    },
  };
}
