import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { NewEvent } from '../../intake.js';
import { limitsOf, roomFor } from '../../limits.js';
import type { Retention } from '../../retention.js';
import type { FormerSink, OutboxStats, SinkBacklog } from '../../statistics.js';
import type { SinkSettings } from '../../store.js';
import { MarkWriter } from '../health/mark.js';
import { StorePresence } from '../health/presence.js';
import { type Rescue, rescueStore } from '../health/rescue.js';
import type {
  Committed,
  PositionSettlement,
  Step,
  StepResults,
  StoreOptions,
} from '../thread/messages.js';
import { Appender } from './append.js';
import { Backlogs } from './backlogs.js';
import { StoreBackup } from './backup.js';
import { SinkBeginnings } from './begin.js';
import { Counters, type SinkRow } from './counters.js';
import { DeadLetters } from './entries/dead-letters.js';
import { Quarantine } from './entries/quarantine.js';
import { Notices } from './notices.js';
import { StoredReplays } from './replays.js';
import { Scanner } from './scan.js';
import { SeenIds } from './seen/ids.js';
import { Settler } from './settle.js';
import { Sweeper } from './sweep.js';

const UNBOUNDED = { max: Number.POSITIVE_INFINITY, keep: Number.POSITIVE_INFINITY };

/** Set only by tests. */
export interface StoreTuning {
  /** The number of messageIds in memory at which they are merged into their tables. */
  readonly mergeSeenAt?: number;
}

export interface StoreExtras {
  readonly tuning?: StoreTuning;
  /** Called with one line about a problem despite which the store continues. */
  readonly warn?: (message: string) => void;
}

/** One open store on one connection. Its calls block, so it belongs on a thread of its own. */
export class Store {
  readonly database: DatabaseSyncInstance;
  readonly scanner: Scanner;
  readonly backup: StoreBackup;
  readonly replays: StoredReplays;
  readonly deadLetters: DeadLetters;
  readonly quarantine: Quarantine;
  readonly #counters: Counters;
  readonly #seen: SeenIds;
  readonly #appender: Appender;
  readonly #settler: Settler;
  readonly #sweeper: Sweeper;
  readonly #mark: MarkWriter;
  readonly #presence: StorePresence;
  readonly #backlogs: Backlogs;
  readonly #notices = new Notices();
  readonly #maxPending: number;
  readonly #beginnings: SinkBeginnings;
  readonly #warn: (message: string) => void;

  constructor(
    database: DatabaseSyncInstance,
    options: StoreOptions,
    sinks: readonly SinkSettings[],
    { tuning = {}, warn = () => undefined }: StoreExtras = {},
  ) {
    this.database = database;
    this.#maxPending = options.maxPending;
    this.#counters = new Counters(database);
    this.#seen = new SeenIds(database, this.#counters, options.dedupeWindow, tuning.mergeSeenAt);
    const counters = this.#counters;
    const notices = this.#notices;
    const { deadLetters = UNBOUNDED, quarantine = UNBOUNDED } = options;
    this.quarantine = new Quarantine(database, counters, notices, quarantine);
    this.#appender = new Appender(database, counters, this.#seen, this.quarantine);
    this.#settler = new Settler(database, counters);
    this.#backlogs = new Backlogs(database, counters, this.#settler, notices);
    this.deadLetters = new DeadLetters(database, counters, this.#appender, notices, deadLetters);
    this.replays = new StoredReplays(database, counters, this.#appender);
    this.#sweeper = new Sweeper(database, this.#counters);
    this.scanner = new Scanner(database, this.#counters);
    this.#beginnings = new SinkBeginnings(database, counters);
    const { path, durability } = options;
    this.#mark = new MarkWriter(path, { store: this.#counters.store, durability }, warn);
    this.#warn = warn;
    this.configure(sinks);
    this.#presence = new StorePresence(path);
    this.backup = new StoreBackup(database, path);
    // An earlier process may have left one.
    this.backup.discard();
  }

  get tail(): number {
    return this.#counters.tail;
  }

  get id(): string {
    return this.#counters.store;
  }

  /** Makes exactly these sinks the configured ones. Returns those that are paused. */
  configure(sinks: readonly SinkSettings[]): readonly string[] {
    const counters = this.#counters;
    const before = counters.limits;
    try {
      const said = this.#transact(() => {
        const known = counters.configure(limitsOf(sinks, this.#maxPending));
        return this.#beginnings.begin(known, sinks, before === undefined);
      });
      for (const line of said) this.#warn(line);
    } catch (error) {
      counters.restore(before);
      throw error;
    }
    return counters.active().flatMap(({ name, paused }) => (paused ? [name] : []));
  }

  /**
   * Executes all steps in one transaction. When this returns, they are as durable as the store's setting says, in files
   * that have the store's names. Throws DisplacedError if another program has removed or replaced these files. Only a
   * rescue saves the steps then.
   */
  commit(steps: readonly Step[], now: number): Committed {
    this.#presence.before();
    const committed = this.#transact(() => {
      this.#seen.begin(eventsOf(steps), now);
      this.#backlogs.begin();
      const results = steps.map((step) => this.#run(step, now));
      this.#settleAll(steps);
      this.#keepLimits(steps, results, now);
      this.#seen.write();
      return { results, tail: this.#counters.tail };
    });
    this.#presence.after();
    const notices = this.#notices.take();
    return notices.length === 0 ? committed : { ...committed, notices };
  }

  /** Saves what the store holds after a DisplacedError. */
  rescue(): Rescue {
    return rescueStore(this.database, this.#presence);
  }

  stats(): OutboxStats {
    const counters = this.#counters;
    const sinks = counters.active().map((sink): SinkBacklog => {
      const { name, pending, delivered, filtered, discarded, dead, missed } = sink;
      const { limit = { maxPending: this.#maxPending, full: 'refuse' } } = sink;
      const counts = { pending, delivered, filtered, discarded, missed, deadLetters: dead };
      return { name, ...counts, ...limit, paused: sink.paused, ...this.#oldest(sink) };
    });
    const former = [...counters.all()].flatMap((sink): FormerSink[] => {
      const { active, missed, name, pending } = sink;
      const isOfInterest = !active && pending + missed > 0;
      return isOfInterest ? [{ name, pending, missed, ...this.#oldest(sink) }] : [];
    });
    const { accepted, duplicates, quarantined, inQuarantine } = counters;
    const counts = { accepted, duplicates, quarantined, inQuarantine };
    return { ...counts, pending: counters.pending(), sinks, former };
  }

  /**
   * Copies the -wal into the database file and closes both. Throws DisplacedError, and closes nothing, if they are
   * gone.
   */
  close(): void {
    this.#presence.before();
    try {
      this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#mark.close(this.#counters);
    } finally {
      this.database.close();
      this.#presence.close();
    }
  }

  #oldest(sink: SinkRow): { readonly oldestReceivedAt?: number } {
    const oldestReceivedAt = this.#beginnings.oldest(sink);
    return oldestReceivedAt === undefined ? {} : { oldestReceivedAt };
  }

  #run(step: Step, now: number): StepResults[keyof StepResults] {
    switch (step.kind) {
      case 'append':
        return this.#appender.append(step, now);
      case 'settle':
        return null;
      case 'replay':
        return this.deadLetters.requeue(step.ids, now);
      case 'requeue':
        return this.#requeue(step, now);
      case 'purge':
        return step.of === 'deadLetters'
          ? this.deadLetters.purge(step.ids)
          : this.quarantine.purge(step.ids);
      case 'pause':
        return this.#counters.pause(step.sink, step.paused) ? 'paused' : 'unknown';
      case 'discard':
        return this.#backlogs.purge(step.sink) ?? 'unknown';
      case 'accept':
        return this.#accept(step, now);
      case 'beginReplay':
        return this.replays.begin(step.sink, step.filter, now);
      case 'changeReplay':
        return this.replays.change(step.sink, step.act);
      case 'stepReplay':
        return this.replays.step(step.sink, step.window, now);
      case 'probe':
        this.#counters.probedAt = now;
        return this.#counters.refusing(1);
      case 'sweep':
        return this.#sweep(step.retention, now);
    }
  }

  /** Accepts the event that a quarantined entry has become, and removes the entry. A garbled entry stays. */
  #accept({ id, event }: Extract<Step, { kind: 'accept' }>, now: number): StepResults['accept'] {
    const state = this.quarantine.stateOf(id);
    if (state !== 'sound') return state;
    const result = this.#appender.append({ events: [event], quarantined: [] }, now);
    if ('positions' in result) this.quarantine.purge([id]);
    return result;
  }

  /** Deletes one slice of what has expired. Returns whether another slice is worth a try. */
  #sweep(retention: Retention, now: number): boolean {
    const swept = this.#sweeper.sweep(now, retention);
    const letters = this.deadLetters.dropOld(now);
    const entries = this.quarantine.dropOld(now);
    return swept || letters || entries;
  }

  /** Enforces the limits that these steps may have exceeded. The rest is left to the next sweeps. */
  #keepLimits(
    steps: readonly Step[],
    results: StepResults[keyof StepResults][],
    now: number,
  ): void {
    const backlogs = this.#backlogs.relieve(now);
    const letters = this.deadLetters.dropExcess();
    const entries = this.quarantine.dropExcess();
    if (!backlogs && !letters && !entries) return;
    for (const [at, { kind }] of steps.entries()) if (kind === 'sweep') results[at] = true;
  }

  #requeue(
    { events, sinks }: Extract<Step, { kind: 'requeue' }>,
    now: number,
  ): StepResults['requeue'] {
    return sinks.flatMap((name) => {
      const sink = this.#counters.get(name);
      if (sink?.limit === undefined) return [];
      const fitting = events.slice(0, roomFor(events.length, sink.pending, sink.limit));
      sink.pending += fitting.length;
      sink.changed = true;
      const positions = fitting.map(({ json, orderKey }) =>
        this.#appender.requeue(orderKey, json, sink.id, now),
      );
      return [{ sink: name, positions }];
    });
  }

  /** Settles all events of a sink at once: together they are in order more often than one by one. */
  #settleAll(steps: readonly Step[]): void {
    const bySink = new Map<string, PositionSettlement[]>();
    for (const step of steps) {
      if (step.kind !== 'settle') continue;
      const known = bySink.get(step.sink);
      if (known === undefined) bySink.set(step.sink, [...step.settlements]);
      else known.push(...step.settlements);
    }
    for (const [sink, settlements] of bySink) this.#settler.settle(sink, settlements);
  }

  #transact<Result>(work: () => Result): Result {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#counters.save();
      this.database.exec('COMMIT');
      this.#mark.note(this.#counters);
      this.#seen.committed();
      return result;
    } catch (error) {
      // Some SQLite errors roll back by themselves.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      this.#counters.load();
      this.#seen.rolledBack();
      this.#notices.take();
      this.#backlogs.rolledBack();
      throw error;
    }
  }
}

/** Yields the events that these steps may accept. */
function* eventsOf(steps: readonly Step[]): Generator<NewEvent> {
  for (const step of steps) {
    if (step.kind === 'append') yield* step.events;
    else if (step.kind === 'accept') yield step.event;
  }
}
