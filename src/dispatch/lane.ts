import type { SinkConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import type { Sink } from '../sinks/sink.js';
import { attempt } from './attempt.js';
import { backoff } from './backoff.js';
import type { Breaker, Verdict } from './breaker.js';
import { type CollectOptions, collect } from './collect.js';
import { giveUpAt, type Part } from './entry.js';
import type { Health } from './health.js';
import { type Judgement, judge } from './judge.js';
import { observedOf } from './observe.js';
import type { DispatchPorts, StopSignals } from './ports.js';
import { OUTBOX_RETRY } from './settler.js';

export interface LaneOptions
  extends Omit<CollectOptions, 'clock' | 'log' | 'soft' | 'batch' | 'observer'> {
  readonly config: SinkConfig;
  readonly target: Sink;
  /** The sink's, shared by its lanes. */
  readonly breaker: Breaker;
  readonly health: Health;
  readonly ports: DispatchPorts;
  readonly stop: StopSignals;
}

/**
 * Runs one lane until it is stopped: claim, deliver, settle, one batch after the other. Everything that failed for now
 * stays at the front, so nothing newer of the lane overtakes it; that is what keeps a user's events in order. Never
 * rejects, and never lets go of what it has claimed: a fault backs off and goes on where it was.
 */
export async function runLane(options: LaneOptions): Promise<void> {
  const { config, consumer, health, lane, ports, sink, stop } = options;
  const { clock, log, random } = ports;
  const collecting: CollectOptions = { ...options, ...ports, batch: config.batch, soft: stop.soft };
  const queue: (readonly Part[])[] = [];
  let faults = 0;
  while (!stop.soft.aborted) {
    try {
      if (queue.length === 0) queue.push(...(await collect(collecting)));
      if (queue.length > 0) await drain(queue, options);
      else if (!stop.soft.aborted) await consumer.available(lane, stop.soft);
      faults = 0;
    } catch (error) {
      faults++;
      const reason = `the outbox handed out no events: ${messageOf(error)}`;
      health.failed(reason);
      log.warn({ sink, lane, err: error }, `${reason}; trying again`);
      const wait = backoff(faults, OUTBOX_RETRY, random);
      await health.whileBackingOff(clock.sleep(wait, stop.soft));
    }
  }
}

/** Attempts what is queued until nothing is left. A stop leaves what failed, and what a hard one has cut short. */
async function drain(queue: (readonly Part[])[], options: LaneOptions): Promise<void> {
  const { breaker, lane, stop } = options;
  breaker.enter(lane);
  try {
    while (!stop.hard.aborted && (await attemptNext(queue, options)));
  } finally {
    breaker.leave(lane);
  }
}

/** Resolves to whether to go on: false where nothing is left, or a stop leaves the rest to the next start. */
async function attemptNext(queue: (readonly Part[])[], options: LaneOptions): Promise<boolean> {
  const { breaker, config, health, lane, ports, settle, stop, target } = options;
  const { clock, random } = ports;
  const batch = queue.shift()?.filter(({ entry }) => !entry.settled);
  if (batch === undefined) return false;
  if (batch.length === 0) return true;
  const last = giveUpAt(batch, config.retry.giveUpAfter);
  const pass = await health.whileBackingOff(breaker.admit(lane, last, stop.soft));
  if (pass === undefined) return false;
  try {
    const events = batch.map(({ event }) => event);
    const limits = { clock, timeout: config.timeout, stop: stop.hard };
    const startedAt = clock.monotonic();
    const outcome = await attempt(target, events, limits);
    if (outcome.kind === 'stopped') return false;
    const judgement = judge(batch, outcome, { retry: config.retry, clock, random });
    if (ports.observer?.wanted === true) {
      const ms = clock.monotonic() - startedAt;
      const observed = observedOf(batch, judgement);
      ports.observer.attempted({ sink: options.sink, at: clock.now(), ms, events: observed });
    }
    queue.unshift(...judgement.again);
    report(judgement, options);
    pass.end(verdictOf(judgement));
    return await settle(judgement.settlements);
  } finally {
    pass.end({ sink: 'unknown' });
  }
}

/** What was refused for good was looked at first, so the sink is there: only a batch that all failed for now tells against it. */
function verdictOf({ counts, error, retryAfter, wait }: Judgement): Verdict {
  const { delivered, permanent, transient } = counts;
  const down = transient > 0 && delivered === 0 && permanent === 0;
  return down ? { sink: 'down', wait, retryAfter, error } : { sink: 'up', wait };
}

function report({ again, counts, error, wait }: Judgement, options: LaneOptions): void {
  const { breaker, health, lane, ports, sink } = options;
  const { delivered, permanent, transient } = counts;
  if (delivered > 0) ports.metrics.attempt(sink, 'delivered', delivered);
  if (transient > 0) ports.metrics.attempt(sink, 'transient', transient);
  if (permanent > 0) ports.metrics.attempt(sink, 'permanent', permanent);
  if (error === undefined || delivered > 0) health.worked(error);
  else health.failed(error);
  if (error === undefined) return;
  const fields = {
    sink,
    lane,
    ...counts,
    ...(wait === undefined ? {} : { retryIn: Math.round(wait) }),
    error,
  };
  const next = again.length > 1 ? 'looking for the event that is the cause' : 'see the fields';
  const message = `a delivery failed: ${next}`;
  // That the sink is down was said when its circuit opened.
  if (breaker.state === 'closed') ports.log.warn(fields, message);
  else ports.log.debug(fields, message);
}
