import type { Clock } from '../../core/clock.js';
import { type BackoffConfig, backoff } from '../backoff.js';
import { type ChildSignal, childOf, untilAborted } from '../signals.js';

/** Failures in a row that open the circuit. The lanes' own backoff handles fewer. */
const FAILURES_TO_OPEN = 5;

/**
 * The longest time between two probes in milliseconds, so that a recovered sink is noticed soon, however long it was
 * down.
 */
const LONGEST_OPEN = 30_000;

/**
 * `closed`: every lane makes attempts. `open`: no lane does. `half-open`: one probe is running and the other lanes wait
 * for it.
 */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** A sink's circuit as operators see it. */
export interface Circuit {
  readonly circuit: CircuitState;
  /** When it last closed or, if it is not closed, when it opened; milliseconds since the epoch. */
  readonly circuitSince: number;
  /** Milliseconds; set only while the circuit is open. 0: as soon as there is something to send. */
  readonly nextProbeInMs?: number;
}

/** What an attempt says about the sink, as opposed to its events. */
export interface SinkReport {
  /**
   * `up`: the sink accepted or rejected at least one event. `down`: the whole batch failed for now. `unknown`: a stop
   * aborted the attempt.
   */
  readonly sink: 'up' | 'down' | 'unknown';
  /** Milliseconds that the lane waits before it retries the remaining events. */
  readonly wait?: number | undefined;
  /** Milliseconds that the server asked for. If the sink is down, they apply to all lanes. */
  readonly retryAfter?: number | undefined;
  readonly error?: string | undefined;
}

/** Permission to make one attempt. Its holder must end it; only the first end counts. */
export interface Pass {
  /**
   * Whether the circuit has opened since, and this pass is not the probe. Its holder may have waited for something else
   * before the attempt, and must then ask for another pass: beside a probe nothing is sent.
   */
  readonly isStale: boolean;
  end(report: SinkReport): void;
}

export interface BreakerEvents {
  opened(of: { failures: number; lanes: number; probeIn: number; error: string | undefined }): void;
  /** `openFor`: milliseconds since the circuit opened. */
  closed(openFor: number): void;
}

export interface BreakerOptions {
  readonly retry: BackoffConfig & { readonly giveUpAfter: number };
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly events: BreakerEvents;
}

interface Waiting {
  readonly lane: number;
  /** When an event of the batch is given up, on the monotonic clock. The batch is admitted then for a last attempt. */
  readonly giveUpAt: number;
}

interface Attempting {
  readonly lane: number;
  /** Whether this is the probe that was due, as opposed to the last attempt of an event about to be given up. */
  readonly due: boolean;
  /** The number of holds when the attempt began. */
  readonly holds: number;
}

/**
 * The circuit breaker of one sink. It decides when a lane may make its next attempt. All waits before an attempt are
 * handled here: a lane's own backoff, a `Retry-After`, which holds every lane, and the open circuit.
 *
 * The circuit opens after FAILURES_TO_OPEN failures in a row over all lanes without a success in between. If several
 * lanes have work, several must have failed: one event that always fails must not block the users of other lanes. After
 * that, one lane at a time probes, after a backoff that grows up to LONGEST_OPEN. A lane without a failure since the
 * last success probes first, so that a lane with a poison event does not keep the circuit open for others. A lane that
 * is alone probes at the pace of its own backoff, because its event may be the cause. A success closes the circuit for
 * all lanes.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #working = new Set<number>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #wakers = new Set<ChildSignal>();
  /** The lanes that failed since the last success, most recent failure last. */
  readonly #failed = new Set<number>();
  /** When each lane's backoff ends, on the monotonic clock. */
  readonly #retryAt = new Map<number, number>();
  #failures = 0;
  #since: number;
  #openedAt: number | undefined;
  #openUntil = 0;
  #openings = 0;
  #probe: Attempting | undefined;
  #heldUntil = 0;
  #holds = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#since = options.clock.now();
  }

  get state(): CircuitState {
    if (this.#openedAt === undefined) return 'closed';
    return this.#probe === undefined ? 'open' : 'half-open';
  }

  view(): Circuit {
    const view = { circuit: this.state, circuitSince: this.#since };
    if (view.circuit !== 'open') return view;
    const waits = [...this.#waiting.values()].map((waiting) => this.#waitOf(waiting));
    const wait = waits.length > 0 ? Math.min(...waits) : this.#dueAt() - this.#now();
    return { ...view, nextProbeInMs: Math.max(Math.round(wait), 0) };
  }

  /** Registers a lane that has something to deliver, until it leaves. */
  enter(lane: number): void {
    this.#working.add(lane);
  }

  leave(lane: number): void {
    this.#working.delete(lane);
  }

  /**
   * Resolves once the lane may attempt its batch; to `undefined` if `soft` aborts while the lane would have to wait.
   * `giveUpAt` is when the first of its events is given up, on the monotonic clock, or Infinity if none has failed yet.
   * That event gets its last attempt then, whatever the circuit's state. Never rejects.
   */
  async admit(lane: number, giveUpAt: number, soft: AbortSignal): Promise<Pass | undefined> {
    const waiting = { lane, giveUpAt };
    this.#waiting.set(lane, waiting);
    // A lane that was alone no longer has to keep to its own backoff.
    if (this.#openedAt !== undefined) this.#wakeAll();
    try {
      for (;;) {
        const wait = this.#waitOf(waiting);
        if (wait <= 0) return this.#letThrough(waiting);
        if (soft.aborted) return undefined;
        await this.#pause(wait, soft);
      }
    } finally {
      this.#waiting.delete(lane);
    }
  }

  /** Whether `admit` would have to wait now. Does not wait itself. */
  mustWait(lane: number, giveUpAt: number): boolean {
    const waiting = { lane, giveUpAt };
    this.#waiting.set(lane, waiting);
    const wait = this.#waitOf(waiting);
    this.#waiting.delete(lane);
    return wait > 0;
  }

  /** Returns the milliseconds that a lane has to wait now; Infinity if that depends on another lane's attempt. */
  #waitOf(waiting: Waiting): number {
    if (this.#probe !== undefined) return Number.POSITIVE_INFINITY;
    const retryAt = this.#retryAt.get(waiting.lane) ?? 0;
    const at =
      this.#openedAt === undefined
        ? Math.max(retryAt, this.#heldUntil)
        : this.#probeAt(waiting, retryAt);
    return Math.min(at, waiting.giveUpAt) - this.#now();
  }

  #probeAt(waiting: Waiting, retryAt: number): number {
    if (this.#nextProber() !== waiting.lane) return Number.POSITIVE_INFINITY;
    const alone = this.#waiting.size === 1 && this.#failed.has(waiting.lane);
    return Math.max(this.#dueAt(), alone ? retryAt : 0);
  }

  #nextProber(): number | undefined {
    for (const lane of this.#waiting.keys()) if (!this.#failed.has(lane)) return lane;
    for (const lane of this.#failed) if (this.#waiting.has(lane)) return lane;
    return undefined;
  }

  #dueAt(): number {
    return Math.max(this.#openUntil, this.#heldUntil);
  }

  #letThrough({ lane }: Waiting): Pass {
    const attempting = { lane, due: this.#dueAt() <= this.#now(), holds: this.#holds };
    if (this.#openedAt !== undefined) this.#probe = attempting;
    this.#retryAt.delete(lane);
    let ended = false;
    const isStale = (): boolean => this.#openedAt !== undefined && this.#probe !== attempting;
    return {
      get isStale() {
        return isStale();
      },
      end: (report) => {
        if (ended) return;
        ended = true;
        this.#end(attempting, report);
      },
    };
  }

  #end(attempting: Attempting, report: SinkReport): void {
    const probing = this.#probe === attempting;
    if (probing) this.#probe = undefined;
    if (report.sink === 'up') this.#up(attempting);
    if (report.sink === 'down') this.#down(attempting, report, probing);
    const { wait } = report;
    if (wait !== undefined) this.#retryAt.set(attempting.lane, this.#now() + wait);
    if (probing) this.#wakeAll();
  }

  #up({ holds }: Attempting): void {
    const several = this.#failed.size > 1;
    this.#failures = 0;
    this.#failed.clear();
    const held = this.#heldUntil > 0 && holds === this.#holds;
    if (held) this.#heldUntil = 0;
    if (this.#openedAt === undefined) {
      if (held) this.#wakeAll();
      return;
    }
    const openFor = this.#now() - this.#openedAt;
    this.#openedAt = undefined;
    this.#probe = undefined;
    this.#since = this.#options.clock.now();
    // The sink failed, not the lanes' events, so no lane has to wait out its backoff.
    if (several) this.#retryAt.clear();
    this.#wakeAll();
    this.#options.events.closed(openFor);
  }

  #down({ due, lane }: Attempting, report: SinkReport, probing: boolean): void {
    const { error, retryAfter = 0, wait = 0 } = report;
    this.#failures++;
    this.#failed.delete(lane);
    this.#failed.add(lane);
    if (retryAfter > 0) this.#hold(retryAfter);
    if (this.#openedAt !== undefined) {
      if (probing && due) this.#stayOpen();
      return;
    }
    if (this.#failures < FAILURES_TO_OPEN) return;
    if (this.#failed.size === 1 && this.#working.size > 1) return;
    this.#openedAt = this.#now();
    this.#since = this.#options.clock.now();
    this.#openings = 0;
    this.#stayOpen();
    this.#wakeAll();
    const probeIn = Math.max(this.#dueAt() - this.#now(), this.#failed.size === 1 ? wait : 0);
    const { opened } = this.#options.events;
    opened({ failures: this.#failures, lanes: this.#failed.size, probeIn, error });
  }

  #stayOpen(): void {
    const { random, retry } = this.#options;
    const max = Math.max(retry.initial, Math.min(retry.max, LONGEST_OPEN));
    this.#openings++;
    const wait = backoff(this.#openings, { initial: retry.initial, max }, random);
    // If only one lane failed, its event may be the cause. That lane has its own backoff, and no other lane must wait
    // for it.
    this.#openUntil = this.#now() + (this.#failed.size > 1 ? wait : 0);
  }

  /** Holds at most until the failed event is given up: a wrong clock on the server must not stop a sink for good. */
  #hold(retryAfter: number): void {
    const until = this.#now() + Math.min(retryAfter, this.#options.retry.giveUpAfter);
    if (!(until > this.#heldUntil)) return;
    this.#heldUntil = until;
    this.#holds++;
    this.#wakeAll();
  }

  async #pause(milliseconds: number, soft: AbortSignal): Promise<void> {
    const woken = childOf(soft);
    this.#wakers.add(woken);
    try {
      // If no time ends the wait, a timer would only keep the process alive.
      if (milliseconds === Number.POSITIVE_INFINITY) await untilAborted(woken.signal);
      else await this.#options.clock.sleep(milliseconds, woken.signal);
    } finally {
      this.#wakers.delete(woken);
      woken.release();
    }
  }

  #wakeAll(): void {
    for (const woken of [...this.#wakers]) woken.abort();
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
