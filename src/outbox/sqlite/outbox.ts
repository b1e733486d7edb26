import { withinTime } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import { reportLevel } from '../backlog-levels.js';
import type { StoreBackups } from '../backup.js';
import type { DeadLetterStore, QuarantineStore } from '../entries.js';
import type { Consumer } from '../feed.js';
import type { AcceptedEvent, Appended, NewDelivery, RequeuedFor } from '../intake.js';
import { outboxFull } from '../limits.js';
import { LossReport } from '../loss-report.js';
import type { Outbox, OutboxDeps } from '../outbox.js';
import { noReplay, unfinishedReplay } from '../replay/errors.js';
import type { Replays } from '../replay/replays.js';
import type { Retention } from '../retention.js';
import { OVERHEAD, sizeOf } from '../send-queue.js';
import { SettledWatch } from '../settled-watch.js';
import type { OutboxStats } from '../statistics.js';
import type { SinkSettings } from '../store.js';
import { unknownSink } from '../unknown-sink.js';
import { freshEvents, outcomesOf } from './appended.js';
import { SqliteConsumer } from './consumer.js';
import { Courtesy } from './courtesy.js';
import { createEntries } from './entries.js';
import { FailureLog } from './failure-log.js';
import { GarbledLog } from './garbled-log.js';
import { GroupCommit } from './group-commit.js';
import type { FreshEvent } from './lane-cursors.js';
import type { Notice } from './store/notices.js';
import type { PositionSettlement, Step, StepResults, StoreOptions } from './thread/messages.js';
import { StoreSupervisor } from './thread/supervisor.js';
import { startStoreThread } from './thread/thread.js';
import { packSteps, unpackResults } from './thread/wire.js';

/** How long an outbox that cannot be written asks senders to wait, in milliseconds. */
const RETRY_AFTER = 5_000;

/** How long a probe waits for the disk, in milliseconds: shorter than callers wait, so that it answers in time. */
const PROBE_PATIENCE = 2_000;

/** How long closing waits for the disk, in milliseconds. The whole shutdown has ten seconds. */
const CLOSE_PATIENCE = 2_000;

/** How often to look for events whose retention is over, in milliseconds. */
const SWEEP_EVERY = 1_000;

export interface SqliteOptions extends StoreOptions {
  readonly retention: Retention;
}

export interface SqliteDeps extends OutboxDeps {
  /** Starts the owner of the connection: a thread, unless a test needs access to it. */
  readonly startThread?: typeof startStoreThread;
}

/** The outbox of one process in one SQLite file. */
export class SqliteOutbox implements Outbox {
  readonly #options: SqliteOptions;
  readonly #deps: SqliteDeps;
  readonly #writes: GroupCommit;
  readonly #consumers = new Map<string, SqliteConsumer>();
  readonly #stopped = new AbortController();
  readonly #store: StoreSupervisor;
  readonly #watch = new SettledWatch();
  readonly #failures: FailureLog;
  readonly #garbled: GarbledLog;
  readonly #losses: LossReport;
  readonly deadLetters: DeadLetterStore;
  readonly quarantine: QuarantineStore;
  readonly #courtesy = new Courtesy();
  #sinkLags = false;
  #state: 'new' | 'open' | 'closed' = 'new';
  #tail = 0;
  #sinks = 1;
  #id = '';
  #closing: Promise<void> | undefined;

  constructor(options: SqliteOptions, deps: SqliteDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#writes = new GroupCommit((steps) => this.#commit(steps), deps.clock);
    this.#failures = new FailureLog(deps);
    this.#garbled = new GarbledLog(deps);
    this.#losses = new LossReport(deps.clock, deps.log, deps.observer);
    const { deadLetters, quarantine } = createEntries({
      clock: deps.clock,
      call: async (kind, request) => this.#open().call(kind, request),
      submit: async (step, bytes) => this.#submit(step, bytes + OVERHEAD),
    });
    this.deadLetters = deadLetters;
    this.quarantine = quarantine;
    const { startThread = startStoreThread } = deps;
    this.#store = new StoreSupervisor({
      clock: deps.clock,
      log: deps.log,
      tail: () => this.#tail,
      startThread: () => startThread((warning) => deps.log.warn({}, warning)),
      onReopened: (tail) => this.#advance(tail, undefined),
    });
  }

  async open(sinks: readonly SinkSettings[]): Promise<void> {
    if (this.#state !== 'new') throw new TypeError('The outbox is already open');
    const { retention: _, ...options } = this.#options;
    const { id, tail } = await this.#store.open({ options, sinks });
    this.#id = id;
    this.#watch.configure(sinks.map(({ name }) => name));
    this.#tail = tail;
    this.#sinks = Math.max(sinks.length, 1);
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
    if (this.#sinkLags) await this.#courtesy.next();
    return outcomesOf(result);
  }

  async requeue(
    events: readonly AcceptedEvent[],
    sinks: readonly string[],
  ): Promise<readonly RequeuedFor[]> {
    const step = { kind: 'requeue', events, sinks } as const;
    const size = events.reduce((sum, { json }) => sum + json.length + OVERHEAD, OVERHEAD);
    const requeued = await this.#submit<'requeue'>(step, size);
    return requeued.map(({ sink, positions }) => ({ sink, ids: positions.map(String) }));
  }

  consumer(sink: string, lanes: number): Consumer {
    if (this.#consumers.has(sink)) throw new TypeError(`The sink ${sink} already has a consumer`);
    const consumer = new SqliteConsumer(sink, lanes, {
      clock: this.#deps.clock,
      tail: () => this.#tail,
      sinks: this.#sinks,
      scan: async (request) => this.#open().call('scan', request),
      texts: async (positions) => this.#open().call('texts', positions),
      settle: (name, settlements) => this.#settle(name, settlements),
      onGarbled: (events) => this.#garbled.add(sink, events),
      onClose: () => this.#consumers.delete(sink),
    });
    this.#consumers.set(sink, consumer);
    return consumer;
  }

  settled(ids: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#watch.wait(ids, signal);
  }

  async configure(sinks: readonly SinkSettings[]): Promise<readonly string[]> {
    // The store's thread does one request after the other, so the change falls between two transactions.
    const paused = await this.#open().configure(sinks);
    this.#watch.configure(sinks.map(({ name }) => name));
    // For the consumers to come. Those that run keep their part of the read-ahead buffer.
    this.#sinks = Math.max(sinks.length, 1);
    return paused;
  }

  async setPaused(sink: string, paused: boolean): Promise<void> {
    const result = await this.#submit<'pause'>({ kind: 'pause', sink, paused }, OVERHEAD);
    if (result === 'unknown') throw unknownSink();
  }

  async purge(sink: string): Promise<number> {
    const purged = await this.#submit<'discard'>({ kind: 'discard', sink }, OVERHEAD);
    if (purged === 'unknown') throw unknownSink();
    this.#losses.purged(sink, purged);
    return purged;
  }

  async stats(): Promise<OutboxStats> {
    return this.#open().call('stats', null);
  }

  async members(): Promise<readonly []> {
    return [];
  }

  async probe(): Promise<void> {
    const patience = new AbortController();
    const probed = this.#submit({ kind: 'probe' }, OVERHEAD, patience.signal);
    const { clock } = this.#deps;
    const state = await withinTime(probed, PROBE_PATIENCE, clock, () => {
      patience.abort();
      return 'stalled' as const;
    });
    if (state === 'stalled') {
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The disk of the outbox does not answer', {
        retryAfter: RETRY_AFTER,
      });
    }
    if (state.length > 0) throw outboxFull(state);
  }

  readonly replays: Replays = {
    begin: async (sink, filter) => {
      const step = { kind: 'beginReplay', sink, filter } as const;
      const begun = await this.#submit<'beginReplay'>(step, OVERHEAD);
      if (begun === 'unknown') throw unknownSink();
      if (begun === 'unfinished') throw unfinishedReplay();
      return begun;
    },
    list: async () => this.#open().call('replays', null),
    step: async (sink, window) => {
      const step = { kind: 'stepReplay', sink, window } as const;
      return (await this.#submit<'stepReplay'>(step, OVERHEAD)) ?? undefined;
    },
    change: async (sink, act) => {
      const step = { kind: 'changeReplay', sink, act } as const;
      const changed = await this.#submit<'changeReplay'>(step, OVERHEAD);
      if (changed === 'unknown') throw noReplay();
      return changed;
    },
    count: async (sink, filter, after) => {
      const counted = await this.#open().call('countReplay', { sink, filter, after });
      if (counted === 'unknown') throw unknownSink();
      return counted;
    },
  };

  readonly backups: StoreBackups = {
    begin: async () => void (await this.#open().call('beginBackup', null)),
    state: async () => this.#open().call('backupState', null),
    take: async () => this.#open().call('takeBackup', null),
    discard: async () => void (await this.#open().call('discardBackup', null)),
  };

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #settle(sink: string, settlements: readonly PositionSettlement[]): Promise<void> {
    await this.#submit({ kind: 'settle', sink, settlements }, settlements.length * OVERHEAD);
    const gone = settlements.filter(({ outcome }) => outcome !== 'retry');
    this.#watch.settled(
      sink,
      gone.map(({ position }) => String(position)),
    );
  }

  #submit<Kind extends Step['kind']>(
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
      const { notices = [], tail } = reply;
      const results = unpackResults(steps, reply.results);
      this.#sinkLags = [...this.#consumers.values()].filter((each) => each.lags()).length > 0;
      const news = tail - this.#tail;
      if (news > 0) {
        this.#advance(
          tail,
          this.#consumers.size > 0 ? freshEvents(steps, results, news) : undefined,
        );
      }
      for (const notice of notices) this.#notice(notice);
      // A sweep that finds nothing writes nothing.
      if (steps.some(({ kind }) => kind !== 'sweep')) this.#failures.succeeded();
      return results;
    } catch (error) {
      this.#failures.failed(error);
      throw error;
    }
  }

  /** Records that the store ends at `tail`. `fresh` holds the new events, if available. */
  #advance(tail: number, fresh: readonly FreshEvent[] | undefined): void {
    const before = this.#tail;
    this.#tail = tail;
    for (const consumer of this.#consumers.values()) consumer.notice(before, fresh);
  }

  #notice(notice: Notice): void {
    switch (notice.kind) {
      case 'level':
        reportLevel(this.#deps.log, notice.sink, notice.pending, notice.level, notice.limit);
        break;
      case 'lost':
        this.#losses.note(notice.loss, notice.events);
        break;
      case 'void':
        this.#consumers.get(notice.sink)?.forget(notice.upTo);
    }
  }

  async #close(): Promise<void> {
    this.#stopped.abort();
    this.#watch.release();
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    const finished = this.#finish().then(
      () => undefined,
      (error: unknown) => error,
    );
    const problem = await withinTime(finished, CLOSE_PATIENCE, this.#deps.clock, () => 'late');
    if (problem === undefined) return;
    this.#store.abandon();
    if (problem === 'late') {
      throw new TrackbridgeError(
        'OUTBOX_UNAVAILABLE',
        'The outbox did not close cleanly: its disk does not answer; the next start recovers it',
      );
    }
    // Nothing acknowledged is lost by this: the next start finds it in the -wal.
    this.#deps.log.warn(
      { err: problem },
      'The outbox did not close cleanly; the next start recovers it',
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
      this.#losses.check();
      try {
        await this.#sweep(signal);
      } catch {
        // The failed write is logged. Expired events can wait for the next sweep.
      }
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    let more = true;
    while (more && !signal.aborted) {
      more = await this.#submit({ kind: 'sweep', retention: this.#options.retention }, OVERHEAD);
    }
  }

  /** The store, if it is open and not closing. */
  #open(): StoreSupervisor {
    if (this.#state === 'open') return this.#store;
    if (this.#state === 'new') throw new TypeError('The outbox is not open');
    throw new TrackbridgeError('DRAINING', 'The outbox is closing; retry later', {
      retryAfter: RETRY_AFTER,
    });
  }
}
