import type { ServerConfig } from '../config/config.js';
import { type Clock, every } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import type { Observations, ShedReason } from '../core/observe.js';
import type { Log } from '../telemetry/log.js';
import { Admitted, type AdmittedDeps, type Load } from './admitted.js';

/** How often delays are sampled, in milliseconds. No single request needs a timer or reads a clock. */
const SAMPLE_EVERY = 200;

/** Shedding ends after this many milliseconds without a rejection: longer than most Retry-After values. */
const QUIET = 5_000;

/**
 * The share of the budget from which a delay means overload. Measured from the first byte of each request, on two cores
 * shared with other processes, with signed events of 1.2 kB, one request at a time per connection and no other limit.
 * With 1,000 and 2,000 connections the loop was up to 250 ms late, 99.8 % of the answers took less than 500 ms and none
 * over 1 s. On a busier day, with a delay of 0.9 to 1.1 s, none took over 2.5 s. With 2.8 s (4,000 connections) the
 * median answer took 4.4 s. So an answer takes about twice the delay: at a fifth of the budget, more than half of it is
 * left for deliveries in progress. The wait for the outbox is the larger part of an answer and counts alone.
 */
const LOOP_LATE = 0.2;
const APPEND_LATE = 0.4;

/** A delay counts after this many consecutive samples. One long pause, such as for a large body, is not overload. */
const LATE_SAMPLES = 2;

/**
 * How many deliveries may be in progress while the outbox is slow. Without any there would be no measurement of the
 * outbox, and shedding would end too early. A late event loop is measured without deliveries, and a single delivery may
 * cause it, so it admits none.
 */
const PROBING = 50;

/**
 * A delay must fall to this share of its threshold before deliveries are accepted again. Otherwise the two states would
 * alternate.
 */
const RECOVERED = 0.5;

/** `Retry-After` is a random 1 to 4 s, so that senders that were rejected together do not retry together. */
const RETRY_AFTER = 1_000;
const RETRY_AFTER_SPREAD = 3_000;

const WHY: Readonly<Record<ShedReason, string>> = {
  requests: 'server.maxConcurrent deliveries are in progress',
  bytes: 'the bodies in progress reach server.maxBodyBytes',
  event_loop: 'the event loop is late',
  outbox: 'deliveries wait too long for the outbox',
};

export interface AdmissionDeps {
  readonly server: Pick<ServerConfig, 'budget' | 'maxConcurrent' | 'maxBodyBytes'>;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly observations: Pick<Observations, 'shed' | 'load'>;
  /** Returns the average lag of the event loop since the last call, in milliseconds. */
  readonly loopDelay: () => number;
  /** Returns a number uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * Rejects deliveries early, before their bodies are read, if accepting them would cost more memory or time than there
 * is: 503 with Retry-After, which both vendors retry. Admitted deliveries are then answered within the budget.
 */
export class Admission {
  readonly #deps: AdmissionDeps;
  #limits: AdmissionDeps['server'];
  readonly #load: Load = { deliveries: 0, bytes: 0, unverified: 0, appending: new Map() };
  readonly #admitted: AdmittedDeps;
  /** The reason to reject deliveries until the next sample. */
  #late: ShedReason | undefined;
  #lateSamples = 0;
  #stop: (() => void) | undefined;
  /** The state of the shedding in progress, if any. */
  #shedding: { rejected: number; readonly since: number; last: number } | undefined;
  #sampledAt = 0;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    this.#limits = deps.server;
    this.#admitted = {
      load: this.#load,
      maxBodyBytes: deps.server.maxBodyBytes,
      overloaded: () => this.#reject('bytes'),
    };
  }

  /** Other limits hold from now on, also for deliveries in progress. */
  configure(limits: AdmissionDeps['server']): void {
    this.#limits = limits;
    this.#admitted.maxBodyBytes = limits.maxBodyBytes;
  }

  start(): void {
    this.#stop ??= every(SAMPLE_EVERY, () => this.sample());
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** `declared` is the body length that the request declares, 0 if none. Throws OVERLOADED. */
  enter(declared: number): Admitted {
    const { maxConcurrent, maxBodyBytes } = this.#limits;
    const { bytes, deliveries } = this.#load;
    const late = this.#late;
    if (late === 'event_loop' || (late !== undefined && deliveries >= PROBING)) {
      throw this.#reject(late);
    }
    if (deliveries >= maxConcurrent) throw this.#reject('requests');
    // No memory is reserved for a declared length: a sender that declares much and sends nothing would shut out all
    // others. A body that is alone is accepted whatever the limit, since there is no better time for it.
    if (bytes > 0 && bytes + declared > maxBodyBytes) throw this.#reject('bytes');
    return new Admitted(this.#admitted);
  }

  /** Samples the delays, and logs the end of shedding. Called by the timer that `start` starts. */
  sample(): void {
    const { clock, loopDelay, observations } = this.#deps;
    const { budget } = this.#limits;
    this.#sampledAt = clock.monotonic();
    const loop = loopDelay();
    const [oldest = this.#sampledAt] = this.#load.appending.values();
    const append = this.#sampledAt - oldest;
    observations.load.publish({
      loopDelay: loop,
      deliveries: this.#load.deliveries,
      bodyBytes: this.#load.bytes,
    });
    const isLate = (reason: ShedReason, delay: number, ofBudget: number): boolean =>
      delay > budget * ofBudget * (this.#late === reason ? RECOVERED : 1);
    let late: ShedReason | undefined;
    if (isLate('event_loop', loop, LOOP_LATE)) late = 'event_loop';
    else if (isLate('outbox', append, APPEND_LATE)) late = 'outbox';
    this.#lateSamples = late === undefined ? 0 : this.#lateSamples + 1;
    this.#late = this.#lateSamples >= LATE_SAMPLES ? late : undefined;
    this.#noticeEnd();
  }

  #reject(reason: ShedReason): TrackbridgeError {
    const { log, observations, random } = this.#deps;
    observations.shed.publish({ reason });
    if (this.#shedding === undefined) {
      this.#shedding = { rejected: 0, since: this.#sampledAt, last: 0 };
      log.warn(
        { code: 'OVERLOADED', reason },
        `overloaded, rejecting deliveries with 503: ${WHY[reason]}`,
      );
    }
    this.#shedding.rejected += 1;
    this.#shedding.last = this.#sampledAt;
    return new TrackbridgeError('OVERLOADED', `${WHY[reason]}; retry the delivery later`, {
      retryAfter: RETRY_AFTER + RETRY_AFTER_SPREAD * random(),
    });
  }

  #noticeEnd(): void {
    const shedding = this.#shedding;
    if (shedding === undefined || this.#sampledAt - shedding.last < QUIET) return;
    this.#shedding = undefined;
    const seconds = Math.round((shedding.last - shedding.since) / 1000);
    this.#deps.log.info(
      { rejected: shedding.rejected, seconds },
      'no longer overloaded: accepting deliveries again',
    );
  }
}
