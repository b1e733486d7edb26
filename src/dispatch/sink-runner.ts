import { setMaxListeners } from 'node:events';
import type { SinkConfig } from '../config/config.js';
import { within, withinTime } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Consumer } from '../outbox/feed.js';
import type { Sink } from '../sinks/sink.js';
import { backoff } from './backoff.js';
import type { Account } from './budget.js';
import { Breaker } from './circuit/breaker.js';
import { type Backlog, createCircuitReport } from './circuit/report.js';
import { Health, type SinkState } from './health.js';
import { ABORT_GRACE } from './lane/attempt.js';
import { runLane } from './lane/lane.js';
import { createSettle } from './lane/settler.js';
import { Pause } from './pause.js';
import type { DispatchPorts } from './ports.js';
import { createPrepare } from './routing/prepare.js';
import { compileWhere } from './routing/where.js';
import { untilAborted } from './signals.js';
import type { TransformRunner } from './transform/runner.js';

/** A configured sink, ready to run. */
export interface SinkSpec {
  readonly name: string;
  readonly config: SinkConfig;
  readonly sink: Sink;
  /** The loaded `config.transform`. */
  readonly transform?: TransformRunner;
}

export interface RunnerDeps {
  readonly backlog: Backlog;
  /** The sink's account. */
  readonly account: Account;
}

/** Milliseconds that a sink has to close its connections, even if the grace period of a stop has already passed. */
const CLOSE_GRACE = 1_000;

/** Opens one sink and runs its lanes. It shares nothing with other sinks, so no sink can delay another. */
export class SinkRunner {
  readonly #spec: SinkSpec;
  readonly #ports: DispatchPorts;
  readonly #health: Health;
  readonly #deps: RunnerDeps;
  readonly #breaker: Breaker;
  readonly #pause = new Pause();
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  #consumer: Consumer | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #released: Promise<void> = Promise.resolve();
  readonly #graceOver = new AbortController();
  /** Aborts when the stop is over, to end its timers. */
  readonly #ended = new AbortController();

  constructor(spec: SinkSpec, ports: DispatchPorts, deps: RunnerDeps) {
    this.#spec = spec;
    this.#ports = ports;
    this.#deps = deps;
    this.#health = new Health(spec.name);
    this.#breaker = new Breaker({
      retry: spec.config.retry,
      clock: ports.clock,
      random: ports.random,
      events: createCircuitReport(spec.name, ports, deps.backlog),
    });
    // Every lane listens to both, and a sink may have many lanes. Node would warn of a leak from the eleventh listener
    // on.
    setMaxListeners(0, this.#soft.signal, this.#hard.signal);
  }

  /** Returns at once. A sink that cannot be opened delays nothing; opening it is retried. */
  start(consumer: Consumer): void {
    this.#consumer = consumer;
    this.#running = this.#run(consumer);
  }

  /**
   * Claims nothing more, lets every lane finish what it holds with one attempt, aborts what is still running after
   * `grace` milliseconds, then closes sink and consumer. Resolves after at most `grace` plus ABORT_GRACE and
   * CLOSE_GRACE. A further call can only shorten the grace of the first one.
   */
  stop(grace: number): Promise<void> {
    void this.#ports.clock.sleep(grace, this.#ended.signal).then(() => this.#graceOver.abort());
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Resolves once the consumer is closed, after `stop`, so that another one can be opened. */
  get released(): Promise<void> {
    return this.#released;
  }

  async #stop(): Promise<void> {
    this.#soft.abort();
    const graceOver = this.#graceOver.signal;
    const finished = this.#running.then(() => true);
    const isFinished = await within(finished, graceOver, () => false);
    this.#hard.abort();
    if (!isFinished) await this.#within(this.#running, ABORT_GRACE);
    const closed = this.#close().then(() => true);
    const patience = Promise.all([
      untilAborted(graceOver),
      this.#ports.clock.sleep(CLOSE_GRACE, this.#ended.signal),
    ]).then(() => false);
    if (!(await Promise.race([closed, patience]))) {
      this.#ports.log.warn({ sink: this.#spec.name }, 'the sink did not close in time');
    }
    this.#ended.abort();
    this.#deps.account.close();
    this.#health.enter('stopped');
  }

  /** A paused sink finishes the attempts under way, then neither claims nor attempts anything until it is resumed. */
  setPaused(paused: boolean): void {
    this.#pause.set(paused);
  }

  state(): SinkState {
    const health = this.#health.snapshot();
    const state = this.#pause.isOn && health.state !== 'stopped' ? 'paused' : health.state;
    return { ...health, state, ...this.#breaker.view() };
  }

  async #run(consumer: Consumer): Promise<void> {
    if (!(await this.#open())) return;
    this.#health.enter('running');
    const { config, name, sink, transform } = this.#spec;
    const { format, lanes, where } = config;
    const ports = this.#ports;
    const health = this.#health;
    const stop = { soft: this.#soft.signal, hard: this.#hard.signal };
    const shared = {
      sink: name,
      config,
      target: sink,
      consumer,
      breaker: this.#breaker,
      pause: this.#pause,
      account: this.#deps.account,
      health,
      ports,
      stop,
      prepare: createPrepare({ wanted: compileWhere(where), transform, format }),
      settle: createSettle({
        sink: name,
        consumer,
        health,
        ports,
        hard: stop.hard,
      }),
    };
    await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane({ ...shared, lane })));
  }

  /** Resolves to whether the sink is open. Retries until it is open or the runner is stopped. */
  async #open(): Promise<boolean> {
    const { config, name, sink } = this.#spec;
    const { clock, log, random } = this.#ports;
    const soft = this.#soft.signal;
    this.#health.enter('opening');
    for (let failures = 1; !soft.aborted; failures++) {
      try {
        // Opening has no timeout: a second `open` next to one that hangs could do more harm than good.
        const opening = Promise.resolve(sink.open()).then(() => true);
        return (await within(opening, soft, () => false)) && !soft.aborted;
      } catch (error) {
        const wait = backoff(failures, config.retry, random);
        this.#health.failed(messageOf(error));
        const retryIn = Math.round(wait);
        log.warn({ sink: name, retryIn, err: error }, 'the sink cannot be opened; retrying');
        await clock.sleep(wait, soft);
      }
    }
    return false;
  }

  async #close(): Promise<void> {
    const { sink, transform } = this.#spec;
    // The consumer does not wait for a sink that hangs: what was claimed may go to another consumer.
    this.#released = this.#closePart(this.#consumer);
    await Promise.all([
      this.#released,
      this.#closePart(transform).then(() => this.#closePart(sink)),
    ]);
  }

  async #closePart(part: { close(): Promise<void> | void } | undefined): Promise<void> {
    try {
      await part?.close();
    } catch (error) {
      this.#ports.log.warn({ sink: this.#spec.name, err: error }, 'closing failed');
    }
  }

  #within(work: Promise<void>, milliseconds: number): Promise<boolean> {
    const finished = work.then(() => true);
    return withinTime(finished, milliseconds, this.#ports.clock, () => false);
  }
}
