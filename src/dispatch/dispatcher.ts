import type { Clock } from '../clock.js';
import type { Outbox } from '../outbox/outbox.js';
import type { SinkState } from './health.js';
import type { AttemptObserver, DispatchLog, DispatchMetrics, DispatchPorts } from './ports.js';
import { SettledWatch } from './settled-watch.js';
import { SinkRunner, type SinkSpec } from './sink-runner.js';

export interface DispatcherOptions {
  /** Opened already, for these very sinks. */
  readonly outbox: Outbox;
  readonly sinks: readonly SinkSpec[];
  readonly clock: Clock;
  readonly log: DispatchLog;
  readonly metrics: DispatchMetrics;
  /** Uniform in [0, 1), for the jitter of waits; Math.random unless a test says otherwise. */
  readonly random?: () => number;
  readonly observer?: AttemptObserver;
}

/** Takes events from the outbox to the sinks. Start and stop may be called twice; once stopped it stays stopped. */
export interface Dispatcher {
  /** Returns at once; sinks are opened in the background, and tried again where that fails. */
  start(): void;
  /**
   * Delivers what lanes hold, aborts what is still going after `graceMs`, closes the sinks. Resolves at most two seconds
   * after the grace; never rejects. What is not settled stays pending in the outbox, which is left open.
   */
  stop(graceMs: number): Promise<void>;
  /**
   * Resolves once every sink has settled these events (delivered, not wanted, or a dead letter), or once `signal` aborts
   * or the dispatcher has stopped. Never rejects.
   */
  settledBy(ids: readonly string[], signal: AbortSignal): Promise<void>;
  /** One entry a sink, in the order of the configuration. */
  state(): readonly SinkState[];
}

/** Builds the dispatcher over the outbox and sinks it is given; nothing runs before `start`. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { outbox, sinks, clock, log, metrics, observer, random = Math.random } = options;
  const ports: DispatchPorts = { clock, log, metrics, random, ...(observer && { observer }) };
  const watch = new SettledWatch(sinks.map(({ name }) => name));
  const backlog = async (sink: string): Promise<number | undefined> => {
    const stats = await outbox.stats();
    return stats.sinks.find(({ name }) => name === sink)?.pending;
  };
  const runners = sinks.map((spec) => ({
    spec,
    runner: new SinkRunner(spec, ports, (ids) => watch.settled(spec.name, ids), backlog),
  }));
  let started = false;
  let stopped: Promise<void> | undefined;

  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(runners.map(({ runner }) => runner.stop(graceMs)));
    watch.release();
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
    settledBy: (ids, signal) => watch.wait(ids, signal),
    state: () => runners.map(({ runner }) => runner.state()),
  };
}
