import type { Clock } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import type { Metrics, ShedReason } from '../telemetry/metrics.js';

/** How often the delays are looked at, milliseconds: no timer and no look at a clock belongs to a single request. */
const SAMPLE_EVERY = 200;

/** Shedding has ended when nothing was refused for so long, milliseconds: longer than most Retry-After asks to wait. */
const QUIET = 5_000;

/**
 * From which share of the budget on a delay means overload. Measured from the first byte of each request, on two cores that
 * others used as well, signed events of 1.2 kB, each connection with one request at a time, no other limit: with 1,000 and
 * 2,000 connections the loop was up to 250 ms late, 99.8 % of the answers took less than 500 ms and none over 1 s; on a busier
 * day, with 0.9 to 1.1 s, none over 2.5 s; with 2.8 s (4,000 connections) answers took 4.4 s in the middle. So an answer takes
 * about twice the delay: at a fifth of the budget more than half of it is left for what is under way. The wait for the
 * outbox is the larger part of an answer and counts alone.
 */
const LOOP_LATE = 0.2;
const APPEND_LATE = 0.4;

/** A delay counts when this many samples in a row show it: one long pause, such as for a large body, is no overload. */
const LATE_SAMPLES = 2;

/** Fewer deliveries than these under way are no crowd: what is late then is not so because of them, and the next may look. */
const CROWD = 50;

/** A delay must fall to this share of its threshold before deliveries are taken again, or the two states would flutter. */
const RECOVERED = 0.5;

/** `Retry-After` is 1 to 4 s, by chance: senders that are refused together must not come back together. */
const RETRY_AFTER = 1_000;
const RETRY_AFTER_SPREAD = 3_000;

const WHY: Readonly<Record<ShedReason, string>> = {
  requests: 'as many deliveries are under way as server.maxConcurrent allows',
  bytes: 'the bodies under way hold as many bytes as server.maxBodyBytes allows',
  event_loop: 'the event loop is late',
  outbox: 'deliveries wait too long for the outbox',
};

export interface AdmissionDeps {
  readonly server: Pick<ServerConfig, 'budget' | 'maxConcurrent' | 'maxBodyBytes'>;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly metrics: Pick<Metrics, 'shed' | 'load'>;
  /** How late the event loop was since the last call on average, milliseconds. */
  readonly loopDelay: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** One delivery that was let in, until `leave`. */
export interface Admitted {
  /** Counts bytes that its body holds from now on. Throws OVERLOADED where all bodies together hold too many. */
  account(bytes: number): void;
  /** It waits for the outbox from now on; call what is returned when it no longer does. */
  appending(): () => void;
  leave(): void;
}

/**
 * Refuses deliveries early, before their bodies are read, where taking them would cost more memory or time than there
 * is: 503 with Retry-After, which both vendors retry. What was let in is then answered within the budget.
 */
export class Admission {
  readonly #deps: AdmissionDeps;
  /** Since when each waits for the outbox, oldest first. */
  readonly #appending = new Set<{ readonly since: number }>();
  #inFlight = 0;
  #bytes = 0;
  /** Why no crowd is let in until the next sample. */
  #late: ShedReason | undefined;
  #lateSamples = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Of the shedding under way, if there is one. */
  #shedding: { refused: number; readonly since: number; last: number } | undefined;
  #sampledAt = 0;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.sample(), SAMPLE_EVERY).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** `declared` is how long the body says it will be, 0 where it says nothing. Throws OVERLOADED. */
  enter(declared: number): Admitted {
    const { maxConcurrent, maxBodyBytes } = this.#deps.server;
    if (this.#late !== undefined && this.#inFlight >= CROWD) throw this.#refuse(this.#late);
    if (this.#inFlight >= maxConcurrent) throw this.#refuse('requests');
    // Nothing is set aside for what is only announced: who announces much and sends nothing would shut out all others.
    // A body that is alone is taken whatever the limit: it could not come at a better time.
    if (this.#bytes > 0 && this.#bytes + declared > maxBodyBytes) throw this.#refuse('bytes');
    this.#inFlight += 1;
    let held = 0;
    return {
      account: (bytes) => {
        held += bytes;
        this.#bytes += bytes;
        if (this.#bytes > maxBodyBytes && this.#bytes > held) throw this.#refuse('bytes');
      },
      appending: () => {
        const entry = { since: this.#deps.clock.monotonic() };
        this.#appending.add(entry);
        return () => void this.#appending.delete(entry);
      },
      leave: () => {
        this.#inFlight -= 1;
        this.#bytes -= held;
        held = 0;
      },
    };
  }

  /** Looks at the delays, and says so where shedding has ended. Called by the timer that `start` starts. */
  sample(): void {
    const { clock, loopDelay, metrics, server } = this.#deps;
    this.#sampledAt = clock.monotonic();
    const loop = loopDelay();
    const [oldest] = this.#appending;
    const append = oldest === undefined ? 0 : this.#sampledAt - oldest.since;
    metrics.load({ loopDelay: loop, deliveries: this.#inFlight, bodyBytes: this.#bytes });
    const isLate = (reason: ShedReason, delay: number, ofBudget: number): boolean =>
      delay > server.budget * ofBudget * (this.#late === reason ? RECOVERED : 1);
    let late: ShedReason | undefined;
    if (isLate('event_loop', loop, LOOP_LATE)) late = 'event_loop';
    else if (isLate('outbox', append, APPEND_LATE)) late = 'outbox';
    this.#lateSamples = late === undefined ? 0 : this.#lateSamples + 1;
    this.#late = this.#lateSamples >= LATE_SAMPLES ? late : undefined;
    this.#noticeEnd();
  }

  #refuse(reason: ShedReason): TrackbridgeError {
    const { log, metrics, random } = this.#deps;
    metrics.shed(reason);
    if (this.#shedding === undefined) {
      this.#shedding = { refused: 0, since: this.#sampledAt, last: 0 };
      log.warn(
        { code: 'OVERLOADED', reason },
        `overloaded, deliveries get 503 from now on: ${WHY[reason]}`,
      );
    }
    this.#shedding.refused += 1;
    this.#shedding.last = this.#sampledAt;
    return new TrackbridgeError('OVERLOADED', `${WHY[reason]}; send it again later`, {
      retryAfter: RETRY_AFTER + RETRY_AFTER_SPREAD * random(),
    });
  }

  #noticeEnd(): void {
    const shedding = this.#shedding;
    if (shedding === undefined || this.#sampledAt - shedding.last < QUIET) return;
    this.#shedding = undefined;
    const seconds = Math.round((shedding.last - shedding.since) / 1000);
    this.#deps.log.info(
      { refused: shedding.refused, seconds },
      'no longer overloaded: no delivery was refused for some seconds',
    );
  }
}
