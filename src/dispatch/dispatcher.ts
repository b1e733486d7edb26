import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../core/clock.js';
import type { Feed } from '../outbox/feed.js';
import type { Statistics } from '../outbox/statistics.js';
import { Budget, budgetFor } from './budget.js';
import type { SinkState } from './health.js';
import type { DispatchLog, DispatchObservations, DispatchPorts } from './ports.js';
import { SinkRunner, type SinkSpec } from './sink-runner.js';

export interface DispatcherOptions {
  /** Already open, for exactly these sinks. */
  readonly outbox: Pick<Feed, 'consumer'> & Statistics;
  readonly sinks: readonly SinkSpec[];
  readonly clock: Clock;
  readonly log: DispatchLog;
  readonly observations: DispatchObservations;
  /** Uniform in [0, 1), for the jitter of waits. Default: Math.random; tests replace it. */
  readonly random?: () => number;
  /** Bytes of events that all sinks together hold in memory. Default: a fraction of the heap; tests replace it. */
  readonly memory?: number;
}

/**
 * Delivers events from the outbox to the sinks. Start and stop may be called twice. A stopped dispatcher stays stopped.
 */
export interface Dispatcher {
  /** Returns at once. Sinks are opened in the background; a failed open is retried. */
  start(): void;
  /**
   * Delivers what lanes hold, aborts what is still running after `graceMs`, and closes the sinks. Resolves at most two
   * seconds after the grace period; never rejects. Events that are not settled stay pending in the outbox, which is
   * left open.
   */
  stop(graceMs: number): Promise<void>;
  /** Pauses or resumes a sink, before or after `start`. Does nothing if there is no sink of this name. */
  setPaused(sink: string, paused: boolean): void;
  /** One entry per sink, in the order of the configuration. */
  state(): readonly SinkState[];
}

/** Builds the dispatcher for this outbox and these sinks. Nothing runs before `start`. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { outbox, sinks, clock, log, observations, random = Math.random } = options;
  const { memory = budgetFor(getHeapStatistics().heap_size_limit) } = options;
  const budget = new Budget(memory, sinks.length);
  const ports: DispatchPorts = { clock, log, observations, random };
  const backlog = async (sink: string): Promise<number | undefined> => {
    const stats = await outbox.stats();
    return stats.sinks.find(({ name }) => name === sink)?.pending;
  };
  const runners = sinks.map((spec) => {
    const deps = { backlog, account: budget.account() };
    return { spec, runner: new SinkRunner(spec, ports, deps) };
  });
  let started = false;
  let stopped: Promise<void> | undefined;

  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(runners.map(({ runner }) => runner.stop(graceMs)));
  };

  return {
    start() {
      if (started || stopped !== undefined) return;
      started = true;
      for (const { spec, runner } of runners) {
        runner.start(outbox.consumer(spec.name, spec.config.lanes));
      }
    },
    stop(graceMs) {
      stopped ??= stop(graceMs);
      return stopped;
    },
    setPaused(sink, paused) {
      for (const { spec, runner } of runners) if (spec.name === sink) runner.setPaused(paused);
    },
    state: () => runners.map(({ runner }) => runner.state()),
  };
}
