import { setMaxListeners } from 'node:events';
import type { SinkConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import type { Consumer } from '../outbox/outbox.js';
import type { Sink } from '../sinks/sink.js';
import { ABORT_GRACE } from './attempt.js';
import { backoff } from './backoff.js';
import { Breaker } from './breaker.js';
import { type Backlog, createCircuitReport } from './circuit-report.js';
import { Health, type SinkState } from './health.js';
import { runLane } from './lane.js';
import type { DispatchPorts } from './ports.js';
import { createPrepare } from './prepare.js';
import { createSettle } from './settler.js';
import { unlessAborted } from './signals.js';
import type { Transform } from './transform.js';
import { compileWhere } from './where.js';

/** A configured sink, ready to be run. */
export interface SinkSpec {
  readonly name: string;
  readonly config: SinkConfig;
  readonly sink: Sink;
  /** What `config.transform` was loaded to. */
  readonly transform?: Transform;
}

/** Milliseconds that a sink has to let go of its connections, even where the grace of a stop is spent already. */
const CLOSE_GRACE = 1_000;

/** Opens one sink and runs its lanes. Shares nothing with other sinks, so that none of them can hold it up. */
export class SinkRunner {
  readonly #spec: SinkSpec;
  readonly #ports: DispatchPorts;
  readonly #health: Health;
  readonly #breaker: Breaker;
  readonly #onSettled: (ids: readonly string[]) => void;
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  #consumer: Consumer | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(
    spec: SinkSpec,
    ports: DispatchPorts,
    onSettled: (ids: readonly string[]) => void,
    backlog: Backlog,
  ) {
    this.#spec = spec;
    this.#ports = ports;
    this.#onSettled = onSettled;
    this.#health = new Health(spec.name);
    this.#breaker = new Breaker({
      retry: spec.config.retry,
      clock: ports.clock,
      random: ports.random,
      events: createCircuitReport(spec.name, ports, backlog),
    });
    // Every lane listens to both, and a sink may have many; Node would warn of a leak from the eleventh on.
    setMaxListeners(0, this.#soft.signal, this.#hard.signal);
  }

  /** Returns at once: a sink that cannot be opened keeps nobody waiting, it is tried again. */
  start(consumer: Consumer): void {
    this.#consumer = consumer;
    this.#running = this.#run(consumer);
  }

  /**
   * Claims nothing more, lets every lane finish what it holds with one attempt, aborts what is still going after `grace`
   * milliseconds, then closes sink and consumer. Resolves after at most `grace` plus ABORT_GRACE and CLOSE_GRACE.
   */
  async stop(grace: number): Promise<void> {
    const { clock } = this.#ports;
    const deadline = clock.monotonic() + grace;
    this.#soft.abort();
    const finished = await this.#within(this.#running, grace);
    this.#hard.abort();
    if (!finished) await this.#within(this.#running, ABORT_GRACE);
    const left = Math.max(deadline - clock.monotonic(), CLOSE_GRACE);
    if (!(await this.#within(this.#close(), left))) {
      this.#ports.log.warn({ sink: this.#spec.name }, 'the sink did not close in time');
    }
    this.#health.enter('stopped');
  }

  state(): SinkState {
    return { ...this.#health.snapshot(), ...this.#breaker.view() };
  }

  async #run(consumer: Consumer): Promise<void> {
    if (!(await this.#open())) return;
    this.#health.enter('running');
    const { config, name, sink, transform } = this.#spec;
    const { format, lanes, timeout, where } = config;
    const ports = this.#ports;
    const health = this.#health;
    const stop = { soft: this.#soft.signal, hard: this.#hard.signal };
    const shared = {
      sink: name,
      config,
      target: sink,
      consumer,
      breaker: this.#breaker,
      health,
      ports,
      stop,
      prepare: createPrepare(
        { wanted: compileWhere(where), transform, format, timeout },
        ports.clock,
      ),
      settle: createSettle({
        sink: name,
        consumer,
        health,
        ports,
        hard: stop.hard,
        onSettled: this.#onSettled,
      }),
    };
    await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane({ ...shared, lane })));
  }

  /** Resolves to whether the sink is open; tries until it is or the runner is stopped. */
  async #open(): Promise<boolean> {
    const { config, name, sink } = this.#spec;
    const { clock, log, random } = this.#ports;
    const soft = this.#soft.signal;
    this.#health.enter('opening');
    for (let failures = 1; !soft.aborted; failures++) {
      try {
        // No limit on the time it takes: a second `open` beside one that hangs could harm more than it helps.
        const opened = await unlessAborted(
          Promise.resolve(sink.open()).then(() => true),
          soft,
        );
        return opened === true && !soft.aborted;
      } catch (error) {
        const wait = backoff(failures, config.retry, random);
        this.#health.failed(messageOf(error));
        const retryIn = Math.round(wait);
        log.warn({ sink: name, retryIn, err: error }, 'the sink cannot be opened; trying again');
        await clock.sleep(wait, soft);
      }
    }
    return false;
  }

  async #close(): Promise<void> {
    const { name, sink } = this.#spec;
    for (const part of [sink, this.#consumer]) {
      try {
        await part?.close();
      } catch (error) {
        this.#ports.log.warn({ sink: name, err: error }, 'closing failed');
      }
    }
  }

  async #within(work: Promise<void>, milliseconds: number): Promise<boolean> {
    const ended = new AbortController();
    const finished = work.then(() => true);
    const late = this.#ports.clock.sleep(milliseconds, ended.signal).then(() => false);
    try {
      return await Promise.race([finished, late]);
    } finally {
      ended.abort();
    }
  }
}
