import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../core/clock.js';
import type { Feed } from '../outbox/feed.js';
import type { Statistics } from '../outbox/statistics.js';
import { Budget, budgetFor } from './budget.js';
import type { SinkState } from './health.js';
import { Place } from './place.js';
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
  /**
   * Runs other sinks from now on, for which the outbox is already configured. A sink that stays keeps its runner. One
   * that has changed, or is left out, first finishes its attempts in progress. Resolves when that is done; never
   * rejects.
   */
  replace(sinks: SinkSelection): Promise<void>;
  /** The sinks, also those that were left out, whose earlier runner has not ended yet. */
  changing(): readonly string[];
  /** Pauses or resumes a sink, before or after `start`. Does nothing if there is no sink of this name. */
  setPaused(sink: string, paused: boolean): void;
  /** One entry per sink, in the order of the configuration. */
  state(): readonly SinkState[];
}

/** The sinks that a dispatcher runs after a change. */
interface SinkSelection {
  /** All of them, in the order of the configuration. */
  readonly names: readonly string[];
  /** Those that are new or have changed. */
  readonly specs: readonly SinkSpec[];
  /** Those that an operator has paused. */
  readonly paused: readonly string[];
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
  const places = new Map<string, Place>();
  /** In the order of the configuration. A sink that is left out keeps its place until it has ended. */
  let names: readonly string[] = [];
  let started = false;
  let stopped: Promise<void> | undefined;

  const placeFor = (spec: SinkSpec): Place => {
    const { name } = spec;
    const place: Place = new Place(spec, {
      createRunner: (each) => new SinkRunner(each, ports, { backlog, account: budget.account() }),
      startRunner: (runner, { config }) => runner.start(outbox.consumer(name, config.lanes)),
      onEmpty: () => places.delete(name),
    });
    places.set(name, place);
    return place;
  };
  const running = (): readonly Place[] => names.flatMap((name) => places.get(name) ?? []);
  const replace = async (selection: SinkSelection): Promise<void> => {
    names = selection.names;
    budget.divide(names.length);
    const left = [...places].filter(([name]) => !names.includes(name));
    const ended = left.map(([, place]) => place.replace(undefined));
    for (const spec of selection.specs) {
      const place = places.get(spec.name);
      if (place !== undefined) ended.push(place.replace(spec));
      const current = place ?? placeFor(spec);
      current.setPaused(selection.paused.includes(spec.name));
      if (place === undefined && started) current.start();
    }
    await Promise.all(ended);
  };
  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all([...places.values()].map((place) => place.stop(graceMs)));
  };
  void replace({ names: sinks.map(({ name }) => name), specs: sinks, paused: [] });

  return {
    start() {
      if (started || stopped !== undefined) return;
      started = true;
      for (const place of running()) place.start();
    },
    stop(graceMs) {
      stopped ??= stop(graceMs);
      return stopped;
    },
    replace: (selection) => (stopped === undefined ? replace(selection) : stopped),
    setPaused(sink, paused) {
      if (names.includes(sink)) places.get(sink)?.setPaused(paused);
    },
    changing: () => [...places].flatMap(([name, place]) => (place.isChanging ? [name] : [])),
    state: () => running().map((place) => place.state()),
  };
}
