import type { SinkConfig } from '../../config/config.js';
import { within } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { ObservedAttempt } from '../../core/observe.js';
import type { Sink, SinkEvent } from '../../sinks/sink.js';
import { backoff } from '../backoff.js';
import type { Breaker, SinkReport } from '../circuit/breaker.js';
import type { DispatchPorts, StopSignals } from '../ports.js';
import { attempt } from './attempt.js';
import { type CollectOptions, collectBatches } from './collect.js';
import { giveUpAt } from './entry.js';
import { Holding } from './holding.js';
import { type Judgment, judge } from './judge.js';
import { attemptedEvents } from './observed-events.js';
import { OUTBOX_RETRY, type Settle } from './settler.js';
import { Settling } from './settling.js';

export interface LaneOptions
  extends Omit<
    CollectOptions,
    | 'clock'
    | 'random'
    | 'log'
    | 'soft'
    | 'batch'
    | 'retry'
    | 'observations'
    | 'holding'
    | 'settling'
  > {
  readonly config: SinkConfig;
  readonly target: Sink;
  /** The sink's breaker, shared by its lanes. */
  readonly breaker: Breaker;
  readonly settle: Settle;
  readonly ports: DispatchPorts;
  readonly stop: StopSignals;
}

/**
 * Runs one lane until it is stopped: claim, deliver and settle, one batch after the other. Transient failures stay at
 * the front, so that nothing newer of the lane overtakes them. That keeps a user's events in order. Deliveries are
 * recorded while the next batch goes out. Never rejects. It drops what it has claimed only if its lease is revoked: after
 * any other fault it backs off and continues where it was.
 */
export async function runLane(options: LaneOptions): Promise<void> {
  const { config, consumer, health, lane, pause, ports, sink, stop } = options;
  const { clock, log, random } = ports;
  const { soft } = stop;
  const holding = new Holding(options);
  const { batches } = holding;
  const { batch, retry } = config;
  const settling = new Settling(options.settle, batch.size);
  const collecting = { ...options, ...ports, batch, retry, soft, holding, settling };
  const attempting = { ...options, settling };
  let faults = 0;
  while (!stop.soft.aborted) {
    try {
      await pause.over(soft);
      if (holding.isRevoked) holding.abandon();
      if (batches.length === 0) batches.push(...(await collectBatches(collecting)));
      if (batches.length > 0) await drain(holding, attempting);
      else if (!soft.aborted && !pause.isOn) await consumer.available(lane, soft);
      faults = 0;
    } catch (error) {
      faults++;
      const reason = `the outbox handed out no events: ${messageOf(error)}`;
      health.failed(reason);
      log.warn({ sink, lane, err: error }, `${reason}; retrying`);
      const wait = backoff(faults, OUTBOX_RETRY, random);
      await health.whileBackingOff(clock.sleep(wait, soft));
    }
  }
  await settling.idle();
  holding.abandon();
}

type AttemptOptions = LaneOptions & Pick<CollectOptions, 'settling'>;

/**
 * Attempts the batches until none is left or the lease is revoked. A stop leaves the events that failed and, if it is a
 * hard one, those whose attempt it aborted.
 */
async function drain(holding: Holding, options: AttemptOptions): Promise<void> {
  const { breaker, lane, stop } = options;
  breaker.enter(lane);
  try {
    while (!stop.hard.aborted && (await attemptNext(holding, options)));
  } finally {
    breaker.leave(lane);
  }
}

/**
 * Resolves to whether to continue: false if nothing is left, if a stop leaves the rest to the next start, or if the lease
 * is revoked.
 */
async function attemptNext(holding: Holding, options: AttemptOptions): Promise<boolean> {
  const { breaker, config, health, lane, pause, ports, settling, sink, stop, target } = options;
  const { clock, observations, random } = ports;
  const batch = holding.next();
  const { tenure } = holding;
  if (batch === undefined || tenure === undefined) return false;
  if (pause.isOn) holding.putDown();
  await pause.over(stop.soft);
  // A sink stopped while paused is paused at the next start, too.
  if (pause.isOn) return false;
  const last = giveUpAt(batch, config.retry.giveUpAfter);
  if (breaker.mustWait(lane, last)) holding.putDown();
  const pass = await health.whileBackingOff(breaker.admit(lane, last, tenure.waits));
  if (pass === undefined) return false;
  try {
    // A pause or a purge may have happened while the lane waited.
    if (pause.isOn || holding.dropVoid(batch)) return true;
    if (!(await holding.pickUp(batch))) return false;
    const events = batch.flatMap(({ entry, event }) => (entry.settled || !event ? [] : [event]));
    if (events.length < batch.length) return true;
    const { timeout } = config;
    if (!(await within(tenure.lease.covers(timeout), tenure.attempts, () => false))) return false;
    if (pass.isStale) return true;
    const attempting = observeAttempt(events, options);
    const limits = { clock, timeout, stop: tenure.attempts, trace: attempting?.trace };
    const startedAt = clock.monotonic();
    const outcome = await attempt(target, events, limits);
    // Results of a revoked lease cannot be recorded. The next consumer of the lane sends the events again.
    if (outcome.kind === 'stopped' || holding.isRevoked) return false;
    const judgment = judge(batch, outcome, { retry: config.retry, clock, random });
    if (observations.attempted.isObserved) {
      const { counts, error } = judgment;
      const ms = clock.monotonic() - startedAt;
      const events = () => attemptedEvents(batch, judgment);
      const ended = { sink, attempt: attempting, at: clock.now(), ms, counts, error, events };
      observations.attempted.publish(ended);
    }
    holding.attempted(batch, judgment.retries);
    report(judgment, options);
    pass.end(reportOf(judgment));
    if (await settling.add(tenure.lease, judgment.settlements)) return true;
    if (holding.isRevoked) holding.abandon();
    return false;
  } finally {
    pass.end({ sink: 'unknown' });
  }
}

/** Publishes that an attempt begins; undefined if nobody observes it. */
function observeAttempt(
  events: readonly SinkEvent[],
  { config, ports, sink }: LaneOptions,
): ObservedAttempt | undefined {
  const { clock, observations } = ports;
  if (!observations.attempting.isObserved) return undefined;
  const { type } = config;
  const origins = () => events.flatMap(({ trace }) => trace ?? []);
  const attempting = { sink, type, at: clock.now(), size: events.length, origins };
  observations.attempting.publish(attempting);
  return attempting;
}

/**
 * A sink that rejected events permanently read them first, so it is up. Only a batch whose events all failed
 * transiently counts against it.
 */
function reportOf({ counts, error, retryAfter, wait }: Judgment): SinkReport {
  const { delivered, permanent, transient } = counts;
  const down = transient > 0 && delivered === 0 && permanent === 0;
  return down ? { sink: 'down', wait, retryAfter, error } : { sink: 'up', wait };
}

function report({ retries, counts, error, wait }: Judgment, options: LaneOptions): void {
  const { breaker, health, lane, ports, sink } = options;
  if (error === undefined || counts.delivered > 0) health.worked(error);
  else health.failed(error);
  if (error === undefined) return;
  const fields = {
    sink,
    lane,
    ...counts,
    ...(wait === undefined ? {} : { retryIn: Math.round(wait) }),
    error,
  };
  const next =
    retries.length > 1 ? 'searching the batch for the event that fails' : 'see the fields';
  const message = `a delivery failed: ${next}`;
  // When the circuit opened, the log already reported that the sink is down.
  if (breaker.state === 'closed') ports.log.warn(fields, message);
  else ports.log.debug(fields, message);
}
