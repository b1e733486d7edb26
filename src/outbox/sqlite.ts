import type { Clock } from '../clock.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import { GroupCommit } from './group-commit.js';
import { orderHash } from './order-hash.js';
import type {
  Appended,
  Consumer,
  NewDelivery,
  NewEvent,
  Outbox,
  OutboxStats,
  ShelfFilter,
} from './outbox.js';
import { type FreshEvent, SqliteConsumer } from './sqlite-consumer.js';
import type { AppendResult, Step, StepResults, StoreOptions } from './sqlite-messages.js';
import { StoreSupervisor } from './sqlite-supervisor.js';
import { startStoreThread } from './sqlite-thread.js';
import { packSteps, unpackResults } from './sqlite-wire.js';
import { unauthenticatedFull } from './unauthenticated.js';

/** How long a full outbox asks senders to wait, milliseconds: as long as sinks may need to make some room. */
const RETRY_AFTER_FULL = 5_000;

/** How long a probe waits for the disk, milliseconds: shorter than the sender's patience, so that it tells in time. */
const PROBE_PATIENCE = 2_000;

/** How long closing waits for the disk, milliseconds; the whole shutdown has ten seconds. */
const CLOSE_PATIENCE = 2_000;

/** Between two looks for events whose retention is over, milliseconds. */
const SWEEP_EVERY = 1_000;

/** Entries a page, at most. */
const PAGE_LIMIT = 1_000;

/** Bytes an event occupies beside its JSON text on the way to the disk, roughly. */
const OVERHEAD = 200;

export interface SqliteOptions extends StoreOptions {
  /** Milliseconds for which delivered events are kept. */
  readonly retention: number;
}

export interface OutboxDeps {
  readonly clock: Clock;
  readonly log: {
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

export interface SqliteDeps extends OutboxDeps {
  /** Starts what owns the connection; a thread unless a test wants to look inside. */
  readonly startThread?: typeof startStoreThread;
}

/** The outbox of one process in one SQLite file. */
export class SqliteOutbox implements Outbox {
  readonly #options: SqliteOptions;
  readonly #deps: SqliteDeps;
  readonly #writes = new GroupCommit((steps) => this.#commit(steps));
  readonly #consumers = new Map<string, SqliteConsumer>();
  readonly #stopped = new AbortController();
  readonly #store: StoreSupervisor;
  #state: 'new' | 'open' | 'closed' = 'new';
  #tail = 0;
  #id = '';
  #closing: Promise<void> | undefined;

  constructor(options: SqliteOptions, deps: SqliteDeps) {
    this.#options = options;
    this.#deps = deps;
    const { startThread = startStoreThread } = deps;
    this.#store = new StoreSupervisor({
      clock: deps.clock,
      startThread: () => startThread((warning) => deps.log.warn({}, warning)),
      onReopened: (tail) => this.#advance(tail, undefined),
    });
  }

  async open(sinks: readonly string[]): Promise<void> {
    if (this.#state !== 'new') throw new TypeError('The outbox is open already');
    const { path, durability, dedupeWindow, maxPending } = this.#options;
    const options = { path, durability, dedupeWindow, maxPending };
    const { id, tail } = await this.#store.open({ options, sinks });
    this.#id = id;
    this.#tail = tail;
    this.#state = 'open';
    void this.#sweepNowAndThen();
  }

  get id(): string {
    return this.#id;
  }

  async append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]> {
    const { events, quarantined, unauthenticatedLimit } = delivery;
    const step = { kind: 'append', events, quarantined, unauthenticatedLimit } as const;
    const result = await this.#submit<'append'>(step, sizeOf(delivery), signal);
    return outcomes(result);
  }

  async again(
    events: readonly Pick<NewEvent, 'orderKey' | 'json'>[],
    sinks: readonly string[],
  ): Promise<readonly string[]> {
    const step = { kind: 'again', events, sinks } as const;
    const size = events.reduce((sum, { json }) => sum + json.length + OVERHEAD, OVERHEAD);
    const result = await this.#submit<'again'>(step, size);
    if (result === 'full') throw overfull();
    return result.map(String);
  }

  consumer(sink: string, lanes: number): Consumer {
    if (this.#consumers.has(sink)) throw new TypeError(`The sink ${sink} has a consumer already`);
    const consumer = new SqliteConsumer(sink, lanes, {
      clock: this.#deps.clock,
      tail: () => this.#tail,
      scan: async (request) => this.#open().call('scan', request),
      settle: (name, settlements) =>
        this.#submit({ kind: 'settle', sink: name, settlements }, settlements.length * OVERHEAD),
      onClose: () => this.#consumers.delete(sink),
    });
    this.#consumers.set(sink, consumer);
    return consumer;
  }

  async stats(): Promise<OutboxStats> {
    return this.#open().call('stats', null);
  }

  async probe(): Promise<void> {
    const patience = new AbortController();
    const stalled = this.#deps.clock
      .sleep(PROBE_PATIENCE, patience.signal)
      .then(() => 'stalled' as const);
    const probed = this.#submit({ kind: 'probe' }, OVERHEAD, patience.signal);
    const state = await Promise.race([probed, stalled]);
    patience.abort();
    probed.catch(() => undefined);
    if (state === 'full') throw full('The outbox holds as many events as outbox.maxPending allows');
    if (state === 'stalled') {
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The disk of the outbox does not answer', {
        retryAfter: RETRY_AFTER_FULL,
      });
    }
  }

  readonly deadLetters: Outbox['deadLetters'] = {
    list: async (filter) => this.#open().call('deadLetters', pageOf(filter)),
    get: async (id) => (await this.#open().call('deadLetter', rowOf(id))) ?? undefined,
    purge: (ids) => this.#submit({ kind: 'purge', shelf: 'dead', ids: ids.map(rowOf) }, OVERHEAD),
    replay: (ids) => this.#submit({ kind: 'replay', ids: ids.map(rowOf) }, OVERHEAD),
  };

  readonly quarantine: Outbox['quarantine'] = {
    list: async (filter) => this.#open().call('quarantine', pageOf(filter)),
    get: async (id) => (await this.#open().call('quarantined', rowOf(id))) ?? undefined,
    purge: (ids) =>
      this.#submit({ kind: 'purge', shelf: 'quarantine', ids: ids.map(rowOf) }, OVERHEAD),
    accept: (id, event) => this.#accept(id, event),
  };

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #accept(id: string, event: NewEvent): Promise<Appended> {
    // As of now: retention goes by arrival in order of position, and an old one here would take newer ones with it.
    const arrived = { ...event, receivedAt: this.#deps.clock.now() };
    const step = { kind: 'accept', id: rowOf(id), event: arrived } as const;
    const result = await this.#submit<'accept'>(step, event.json.length + OVERHEAD);
    if (result === 'missing') {
      throw new TrackbridgeError(
        'NOT_FOUND',
        'There is no such entry in quarantine; list what there is',
      );
    }
    const [appended] = outcomes(result);
    if (appended === undefined) throw new TypeError('An accepted entry has no outcome');
    return appended;
  }

  async #submit<Kind extends Step['kind']>(
    step: Extract<Step, { kind: Kind }>,
    size: number,
    signal?: AbortSignal,
  ): Promise<StepResults[Kind]> {
    this.#open();
    return this.#writes.submit<Kind>(step, size, signal);
  }

  async #commit(steps: readonly Step[]): Promise<readonly StepResults[keyof StepResults][]> {
    try {
      const now = this.#deps.clock.now();
      const reply = await this.#store.call('commit', { now, steps: packSteps(steps) });
      const { tail } = reply;
      const results = unpackResults(steps, reply.results);
      const news = tail - this.#tail;
      if (news > 0) {
        this.#advance(
          tail,
          this.#consumers.size > 0 ? freshEvents(steps, results, news) : undefined,
        );
      }
      return results;
    } catch (error) {
      const { cause } = error as Error;
      this.#deps.log.error(
        { err: cause ?? error },
        `The outbox could not write: ${messageOf(error)}`,
      );
      throw error;
    }
  }

  /** The store now ends at `tail`; `fresh` is what is new, where it is at hand. */
  #advance(tail: number, fresh: readonly FreshEvent[] | undefined): void {
    const before = this.#tail;
    this.#tail = tail;
    for (const consumer of this.#consumers.values()) consumer.notice(before, fresh);
  }

  async #close(): Promise<void> {
    this.#stopped.abort();
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    const patience = new AbortController();
    const finished = this.#finish().then(
      () => undefined,
      (error: unknown) => error,
    );
    const late = this.#deps.clock
      .sleep(CLOSE_PATIENCE, patience.signal)
      .then(() => 'late' as const);
    const problem = await Promise.race([finished, late]);
    patience.abort();
    if (problem === undefined) return;
    this.#store.abandon();
    if (problem === 'late') {
      throw new TrackbridgeError(
        'OUTBOX_UNAVAILABLE',
        'The outbox is not closed in order: its disk does not answer; the next start puts it in order',
      );
    }
    // Nothing that was acknowledged is lost by this: the next start finds it in the -wal.
    this.#deps.log.warn(
      { err: problem },
      'The outbox did not close in order; the next start puts it in order',
    );
  }

  async #finish(): Promise<void> {
    await this.#writes.idle();
    await this.#store.close();
  }

  async #sweepNowAndThen(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#deps.clock.sleep(SWEEP_EVERY, signal);
      try {
        await this.#sweep(signal);
      } catch {
        // The failed write is in the log; what is over its time can wait for the next look.
      }
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    let more = true;
    while (more && !signal.aborted) {
      more = await this.#submit({ kind: 'sweep', retention: this.#options.retention }, OVERHEAD);
    }
  }

  /** The store, where it is open and is to stay so. */
  #open(): StoreSupervisor {
    if (this.#state === 'open') return this.#store;
    if (this.#state === 'new') throw new TypeError('The outbox is not open');
    throw new TrackbridgeError('DRAINING', 'The outbox is closing; send it again later', {
      retryAfter: RETRY_AFTER_FULL,
    });
  }
}

/** What was accepted in a group, in the order of positions; undefined where the group also wrote other events. */
function freshEvents(
  steps: readonly Step[],
  results: readonly StepResults[keyof StepResults][],
  written: number,
): readonly FreshEvent[] | undefined {
  const fresh: FreshEvent[] = [];
  for (const [at, step] of steps.entries()) {
    if (step.kind !== 'append') continue;
    const result = results[at] as AppendResult;
    if ('refused' in result) continue;
    for (const [index, position] of result.positions.entries()) {
      const event = step.events[index];
      if (position === null || event === undefined) continue;
      const { orderKey, json } = event;
      const hash = orderHash(orderKey);
      fresh.push({ position, id: String(position), json, orderKey, attempts: [], hash });
    }
  }
  return fresh.length === written ? fresh : undefined;
}

function outcomes(result: AppendResult): readonly Appended[] {
  if ('refused' in result) {
    if (result.refused === 'unauthenticated-full') throw unauthenticatedFull();
    if (result.refused === 'full') throw overfull();
    throw full(
      'The quarantine holds as many events as outbox.maxPending allows; purge or replay some',
    );
  }
  return result.positions.map((position) =>
    position === null ? { outcome: 'duplicate' } : { outcome: 'accepted', id: String(position) },
  );
}

function overfull(): TrackbridgeError {
  return full('The outbox holds as many events as outbox.maxPending allows; send it again later');
}

function full(message: string): TrackbridgeError {
  return new TrackbridgeError('OUTBOX_FULL', message, { retryAfter: RETRY_AFTER_FULL });
}

function sizeOf({ events, quarantined }: NewDelivery): number {
  let size = OVERHEAD;
  for (const { json } of events) size += json.length + OVERHEAD;
  for (const { raw, delivery } of quarantined) size += raw.length + delivery.length + OVERHEAD;
  return size;
}

/** The row of an id from outside; one that is none of ours becomes a row that never exists. */
function rowOf(id: string): number {
  return /^[1-9][0-9]{0,14}$/.test(id) ? Number(id) : 0;
}

function pageOf(filter: ShelfFilter): ShelfFilter {
  const limit = Math.min(Math.max(Math.trunc(filter.limit), 0), PAGE_LIMIT);
  return { ...filter, limit, after: String(rowOf(filter.after ?? '')) };
}
