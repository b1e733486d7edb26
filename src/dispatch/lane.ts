import type { SinkConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import type { Sink } from '../sinks/sink.js';
import { attempt } from './attempt.js';
import { backoff } from './backoff.js';
import { type CollectOptions, collect } from './collect.js';
import type { Part } from './entry.js';
import type { Health } from './health.js';
import { type Judgement, judge } from './judge.js';
import type { DispatchPorts, StopSignals } from './ports.js';
import { OUTBOX_RETRY } from './settler.js';

export interface LaneOptions extends Omit<CollectOptions, 'clock' | 'log' | 'soft' | 'batch'> {
  readonly config: SinkConfig;
  readonly target: Sink;
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
  const { config, health, ports, settle, stop, target } = options;
  const { clock, random } = ports;
  const policy = { retry: config.retry, clock, random };
  while (!stop.hard.aborted) {
    const batch = queue.shift()?.filter(({ entry }) => !entry.settled);
    if (batch === undefined) return;
    if (batch.length === 0) continue;
    const events = batch.map(({ event }) => event);
    const outcome = await attempt(target, events, {
      clock,
      timeout: config.timeout,
      stop: stop.hard,
    });
    if (outcome.kind === 'stopped') return;
    const judgement = judge(batch, outcome, policy);
    queue.unshift(...judgement.again);
    report(judgement, options);
    const recorded = await settle(judgement.settlements);
    if (!recorded) return;
    if (judgement.wait === undefined) continue;
    if (stop.soft.aborted) return;
    await health.whileBackingOff(clock.sleep(judgement.wait, stop.soft));
    if (stop.soft.aborted) return;
  }
}

function report({ again, counts, error, wait }: Judgement, options: LaneOptions): void {
  const { health, lane, ports, sink } = options;
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
  };
  const next = again.length > 1 ? 'looking for the event that is the cause' : 'see the fields';
  ports.log.warn({ ...fields, error }, `a delivery failed: ${next}`);
}
