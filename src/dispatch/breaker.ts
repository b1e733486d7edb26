import type { Clock } from '../clock.js';
import { type BackoffConfig, backoff } from './backoff.js';
import { type ChildSignal, childOf, untilAborted } from './signals.js';

/** Failures in a row that open the circuit: fewer are a hiccup, which the lanes' own backoff gets over. */
const FAILURES_TO_OPEN = 5;

/** Milliseconds between two probes at most, so that a sink which is back is found soon, however long it was away. */
const LONGEST_OPEN = 30_000;

/** `closed`: every lane attempts. `open`: none does. `half-open`: one probe is under way, and the others wait for it. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** What an operator sees of a sink's circuit. */
export interface Circuit {
  readonly circuit: CircuitState;
  /** When it last closed or, while it is not closed, when it opened; milliseconds since the epoch. */
  readonly circuitSince: number;
  /** Milliseconds; only while it is open. 0: as soon as there is something to send. */
  readonly nextProbeInMs?: number;
}

/** What an attempt says about the sink, as distinct from the events in it. */
export interface Verdict {
  /** `up`: it took or judged something. `down`: all of the batch failed for now. `unknown`: cut short by a stop. */
  readonly sink: 'up' | 'down' | 'unknown';
  /** Milliseconds that the lane has to wait before it tries what is left. */
  readonly wait?: number | undefined;
  /** Milliseconds the far side asked for; of a sink that is down it holds for all lanes. */
  readonly retryAfter?: number | undefined;
  readonly error?: string | undefined;
}

/** Leave to make one attempt. Whoever has it must end it; only the first end counts. */
export interface Pass {
  end(verdict: Verdict): void;
}

export interface BreakerEvents {
  opened(of: { failures: number; lanes: number; probeIn: number; error: string | undefined }): void;
  /** `openFor`: milliseconds since it opened. */
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
  /** On the monotonic clock: when an event of the batch is given up, for which it is let through for a last attempt. */
  readonly giveUpAt: number;
}

interface Attempting {
  readonly lane: number;
  /** Whether it is the probe that was due, and not the last attempt of an event that is about to be given up. */
  readonly due: boolean;
  /** How many holds there had been when it began. */
  readonly holds: number;
}

/**
 * The circuit breaker of one sink: says when a lane may make its next attempt. All waiting before an attempt is here: a
 * lane's own backoff, a `Retry-After`, which holds every lane, and the open circuit.
 *
 * It opens after FAILURES_TO_OPEN failures in a row over all lanes with nothing getting through in between. Where several
 * lanes have work, several must have failed: one event that always fails must not shut out the users of other lanes. Then
 * one lane at a time probes, after a backoff that grows up to LONGEST_OPEN; first a lane none of whose events failed since
 * anything got through, so that a poisoned lane does not keep the circuit open for others. A lane that is alone probes at
 * the pace of its own backoff: there the cause may be its event. What gets through closes the circuit for all.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #working = new Set<number>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #wakers = new Set<ChildSignal>();
  /** The lanes that failed since anything got through, the one that failed last at the end. */
  readonly #failed = new Set<number>();
  /** When the backoff of a lane is over, on the monotonic clock. */
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

  /** The lane has something to deliver, until it leaves. */
  enter(lane: number): void {
    this.#working.add(lane);
  }

  leave(lane: number): void {
    this.#working.delete(lane);
  }

  /**
   * Resolves once the lane may attempt what it holds; to `undefined` where `soft` aborts while it would have to wait.
   * `giveUpAt`: when the first of its events is given up, on the monotonic clock; that one gets its last attempt then,
   * whatever the circuit says. Infinity where none of them has failed yet. Never rejects.
   */
  async admit(lane: number, giveUpAt: number, soft: AbortSignal): Promise<Pass | undefined> {
    const waiting = { lane, giveUpAt };
    this.#waiting.set(lane, waiting);
    // Who was alone until now need not go at its own pace any more.
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

  /** Milliseconds that a lane has to wait as things are; Infinity where it depends on what another lane finds. */
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
    return {
      end: (verdict) => {
        if (ended) return;
        ended = true;
        this.#end(attempting, verdict);
      },
    };
  }

  #end(attempting: Attempting, verdict: Verdict): void {
    const probing = this.#probe === attempting;
    if (probing) this.#probe = undefined;
    if (verdict.sink === 'up') this.#up(attempting);
    if (verdict.sink === 'down') this.#down(attempting, verdict, probing);
    const { wait } = verdict;
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
    // It was the sink that failed, not their events: no lane has to sit out the rest of its backoff.
    if (several) this.#retryAt.clear();
    this.#wakeAll();
    this.#options.events.closed(openFor);
  }

  #down({ due, lane }: Attempting, verdict: Verdict, probing: boolean): void {
    const { error, retryAfter = 0, wait = 0 } = verdict;
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
    // With one lane its event may be the cause: that one has a backoff of its own, and nobody else must wait for it.
    this.#openUntil = this.#now() + (this.#failed.size > 1 ? wait : 0);
  }

  /** At most until the event that met it is given up: a wrong clock over there must not stop a sink for good. */
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
      // A timer for what no time will bring would only keep the process alive.
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
