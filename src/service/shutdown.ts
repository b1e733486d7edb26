import type { Clock } from '../core/clock.js';

/**
 * The latest time at which each step of a shutdown ends, in milliseconds after it began. Requests in flight may take
 * `server.budget`, at most five seconds. After `DELIVERED_BY` a sink has two seconds to abort and close, and the outbox
 * closes in two more. So ten seconds are enough even if every step takes all of its time.
 */
const DELIVERED_BY = 5_500;

/** The time in which the last accepted events may be delivered, within DELIVERED_BY. */
const FLUSH_WITHIN = 1_000;

/** The time in which the last spans may be exported, while the outbox closes. */
const TRACES_WITHIN = 2_000;

/** The time that connections which are not idle get after everything on them is answered. */
const CONNECTIONS_WITHIN = 300;

export interface ShutdownParts {
  readonly servers: readonly {
    settle(graceMs: number): Promise<void>;
    close(graceMs: number): Promise<void>;
  }[];
  /** Milliseconds. */
  readonly budget: number;
  /** Waits until the last accepted events are delivered, for `milliseconds` at most. */
  flush(milliseconds: number): Promise<void>;
  /** Ends at most two seconds after `graceMs`. */
  stopSinks(graceMs: number): Promise<void>;
  /** Exports the last spans. Ends after `milliseconds` at most. */
  stopTraces(milliseconds: number): Promise<void>;
  readonly outbox: { close(): Promise<void> };
}

/** Stops a receiver that already rejects new deliveries, within ten seconds. Rejects if the outbox did not close. */
export async function shutDown(parts: ShutdownParts, clock: Clock): Promise<void> {
  const begun = clock.monotonic();
  const leftUntil = (end: number): number => Math.max(0, begun + end - clock.monotonic());
  const { budget, flush, outbox, servers, stopSinks, stopTraces } = parts;
  await Promise.all(servers.map((server) => server.settle(Math.min(budget, DELIVERED_BY))));
  await flush(Math.min(FLUSH_WITHIN, leftUntil(DELIVERED_BY)));
  await Promise.all([
    stopSinks(leftUntil(DELIVERED_BY)),
    ...servers.map((server) => server.close(CONNECTIONS_WITHIN)),
  ]);
  // Every span has ended. The outbox has as long to close.
  await Promise.all([outbox.close(), stopTraces(TRACES_WITHIN)]);
}
