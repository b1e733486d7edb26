import { type Child, ChildLost } from '../../core/child/child.js';
import { watchChild } from '../../core/child/watch.js';
import { within, withinTime } from '../../core/clock.js';
import { interrupted } from '../kit/interrupt.js';
import {
  DELIVERED,
  type DeliveryResult,
  type SinkContext,
  SinkError,
  type SinkEvent,
} from '../sink.js';
import type {
  AbortNote,
  CreateReply,
  CreateRequest,
  DeliverReply,
  DeliverRequest,
  DoneReply,
} from './messages.js';
import { Turns } from './turns.js';

/** The longest time in milliseconds that `createSink`, `open` and `check` may block the event loop of their process. */
const BLOCKED_WITHIN = 30_000;

/** Milliseconds that an aborted `deliver` has to reply. The dispatcher waits one second for the results. */
const ANSWER_WITHIN = 500;

/**
 * How often, in milliseconds, the process is asked whether its event loop turns while it has events. An aborted call
 * counts as blocked only if there was no answer for half of its time: half a second may be no more than a busy machine.
 */
const BEAT_EVERY = 250;
const SILENT_PART = 0.5;

/**
 * The most abandoned calls that have not returned. Beyond that the process is restarted, so that they do not pile up.
 */
const MOST_ABANDONED = 100;

/** The most milliseconds that `close` may take. */
const CLOSE_WITHIN = 5_000;

export interface ModuleProcessOptions {
  readonly create: CreateRequest;
  readonly context: SinkContext;
  readonly startChild: () => Child;
}

interface Delivery {
  readonly id: number;
  /** When the call began, on the monotonic clock. */
  readonly since: number;
  readonly reply: Promise<unknown>;
}

/** By call, the keys of its events. */
type Inside = ReadonlyMap<number, readonly string[]>;

/**
 * Runs an operator's module in a process of its own, which is restarted when it ends.
 *
 * A call that ended the process, or blocked its event loop past the timeout, fails with `crashed`. If it is not known
 * which of several calls did, none is blamed: their events become suspects, and each call with a suspect runs alone
 * until it has returned.
 */
export class ModuleProcess {
  readonly #options: ModuleProcessOptions;
  readonly #turns = new Turns();
  /** By call, the events being delivered. */
  readonly #delivering = new Map<number, readonly SinkEvent[]>();
  /** By call, the keys of events that were abandoned before the process replied. */
  readonly #abandoned = new Map<number, readonly string[]>();
  /** Keys of events. */
  readonly #suspects = new Set<string>();
  #child: Child | undefined;
  #starting: Promise<Child> | undefined;
  #stopped = new AbortController();
  #isOpen = false;
  #isClosed = false;
  #asked = 0;
  /** Since when a question has been unanswered, on the monotonic clock. */
  #silentSince: number | undefined;
  #beating: Child | undefined;
  #death: { readonly of: ChildLost; readonly inside: Inside } | undefined;

  constructor(options: ModuleProcessOptions) {
    this.#options = options;
  }

  /** Ensures that the process runs with the module's sink in it. Rejects with a SinkError. */
  async ready(): Promise<Child> {
    if (this.#starting !== undefined) return this.#starting;
    if (this.#child?.alive) return this.#child;
    this.#starting = this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async open(): Promise<void> {
    this.#isClosed = false;
    const child = await this.ready();
    if (this.#isOpen) return;
    await this.#do(child, 'open');
    this.#isOpen = true;
  }

  async check(): Promise<void> {
    await this.#do(await this.ready(), 'check');
  }

  async deliver(
    batch: readonly SinkEvent[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryResult[]> {
    const alone =
      this.#suspects.size > 0 && batch.some(({ dedupeKey }) => this.#suspects.has(dedupeKey));
    const leave = await this.#turns.enter(alone, signal);
    if (leave === undefined) throw interrupted(signal);
    try {
      if (this.#isClosed) throw new SinkError('the sink is closed', { retryable: true });
      const child = await within(this.ready(), signal, () => {
        throw interrupted(signal);
      });
      const results = await this.#deliverTo(child, batch, signal);
      if (alone) for (const { dedupeKey } of batch) this.#suspects.delete(dedupeKey);
      return results;
    } finally {
      leave();
    }
  }

  /**
   * Lets the module close its sink, and ends the process. Rejects with a SinkError if the module failed to close it.
   */
  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#isOpen = false;
    this.#isClosed = true;
    if (child === undefined) return;
    try {
      if (!(await child.answers(ANSWER_WITHIN))) return;
      const { clock } = this.#options.context;
      await withinTime(this.#do(child, 'close'), CLOSE_WITHIN, clock, () => {
        throw new SinkError(`close took longer than ${CLOSE_WITHIN} ms`, { retryable: true });
      });
    } finally {
      this.#stopped.abort();
      await child.end();
    }
  }

  async #start(): Promise<Child> {
    const { context, create, startChild } = this.#options;
    const child = startChild();
    this.#child = child;
    this.#stopped = new AbortController();
    void child.lost.then(({ reason }) => {
      if (this.#child !== child) return;
      context.log.warn({ reason }, 'the process of the module ended; Trackbridge restarts it');
    });
    try {
      const problem = await this.#ask<CreateReply>(child, 'create', create);
      if (problem !== null) throw new SinkError(problem, { retryable: true });
      // A sink that the dispatcher has opened must be open after a restart, too.
      if (this.#isOpen) await this.#do(child, 'open');
      return child;
    } catch (error) {
      if (this.#child === child) this.#child = undefined;
      await child.end();
      throw error;
    }
  }

  async #do(child: Child, what: 'open' | 'check' | 'close'): Promise<void> {
    const failure = await this.#ask<DoneReply>(child, what, null);
    if (failure === null) return;
    const { message, ...details } = failure;
    throw new SinkError(message, details);
  }

  async #ask<Reply>(child: Child, kind: string, request: unknown): Promise<Reply> {
    const { clock } = this.#options.context;
    this.#asked += 1;
    void watchChild(child, {
      clock,
      shortest: BLOCKED_WITHIN,
      patience: () => (this.#asked > 0 ? BLOCKED_WITHIN : undefined),
      stop: this.#stopped.signal,
    });
    try {
      return (await child.call(kind, request).reply) as Reply;
    } catch (error) {
      throw error instanceof ChildLost ? failedFor(error) : error;
    } finally {
      this.#asked -= 1;
    }
  }

  async #deliverTo(
    child: Child,
    batch: readonly SinkEvent[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryResult[]> {
    if (signal.aborted) throw interrupted(signal);
    const texts: DeliverRequest = batch.map(({ json }) => json);
    const since = this.#options.context.clock.monotonic();
    const { id, reply } = child.call('deliver', texts);
    this.#delivering.set(id, batch);
    void this.#beat(child);
    try {
      const cut = (): Promise<unknown> => this.#cutShort(child, { id, since, reply }, signal);
      return resultsIn((await within(reply, signal, cut)) as DeliverReply, batch.length);
    } catch (error) {
      throw error instanceof ChildLost ? this.#blame(error, id) : error;
    } finally {
      this.#delivering.delete(id);
    }
  }

  /** Updates `#silentSince` while the process has events. */
  async #beat(child: Child): Promise<void> {
    if (this.#beating === child) return;
    this.#beating = child;
    const { clock } = this.#options.context;
    while (child.alive && this.#delivering.size > 0) {
      this.#silentSince = clock.monotonic();
      await child.answers(Number.POSITIVE_INFINITY);
      this.#silentSince = undefined;
      await clock.sleep(BEAT_EVERY, this.#stopped.signal);
      if (this.#stopped.signal.aborted) break;
    }
    if (this.#beating === child) this.#beating = undefined;
  }

  /** Tells the module that its time is over. If its event loop does not respond, the process is ended. */
  #cutShort(child: Child, { id, reply, since }: Delivery, signal: AbortSignal): Promise<unknown> {
    const { clock } = this.#options.context;
    const had = clock.monotonic() - since;
    const isLate = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
    child.note({ abort: id, isLate } satisfies AbortNote);
    const questioned = new AbortController();
    let alive = false;
    void child.answers(ANSWER_WITHIN).then((answer) => {
      alive = answer;
      questioned.abort();
    });
    return within(reply, questioned.signal, () => {
      const now = clock.monotonic();
      const silent = now - (this.#silentSince ?? now);
      if (alive || silent < had * SILENT_PART) {
        this.#abandon(child, id, reply);
        throw interrupted(signal);
      }
      child.kill('blocked its process past the timeout');
      return reply;
    });
  }

  /** Stops waiting for this call, which is still running in the process. */
  #abandon(child: Child, id: number, reply: Promise<unknown>): void {
    const batch = this.#delivering.get(id) ?? [];
    this.#abandoned.set(id, batch.map(keyOf));
    const back = (): void => void this.#abandoned.delete(id);
    reply.then(back, back);
    if (this.#abandoned.size > MOST_ABANDONED) {
      child.kill(`did not return from ${MOST_ABANDONED} calls`, null);
    }
  }

  #blame(error: ChildLost, id: number): SinkError {
    if (this.#death?.of !== error) {
      const inside = new Map(this.#abandoned);
      for (const [call, batch] of this.#delivering) inside.set(call, batch.map(keyOf));
      this.#death = { of: error, inside };
    }
    const { inside } = this.#death;
    const { mark } = error;
    if (mark === undefined && inside.size > 1) {
      for (const key of [...inside.values()].flat()) this.#suspects.add(key);
      return failedFor(error);
    }
    const isCause = mark === undefined || mark?.call === id;
    return failedFor(error, isCause);
  }
}

const keyOf = ({ dedupeKey }: SinkEvent): string => dedupeKey;

function failedFor({ reason }: ChildLost, crashed = false): SinkError {
  return new SinkError(`the module ${reason}`, { retryable: true, ...(crashed && { crashed }) });
}

function resultsIn(reply: DeliverReply, size: number): readonly DeliveryResult[] {
  if (reply === null) return Array.from({ length: size }, () => DELIVERED);
  if (!('failure' in reply)) return reply.map((failed) => failed ?? DELIVERED);
  const { message, ...details } = reply.failure;
  throw new SinkError(message, details);
}
