import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { NewEvent, OutboxStats, SinkBacklog } from './outbox.js';
import { Appender } from './sqlite-append.js';
import { Ledger } from './sqlite-ledger.js';
import { MarkWriter } from './sqlite-mark.js';
import type {
  Committed,
  PositionSettlement,
  Step,
  StepResults,
  StoreOptions,
} from './sqlite-messages.js';
import { Scanner } from './sqlite-scan.js';
import { SeenIds } from './sqlite-seen.js';
import { Settler } from './sqlite-settle.js';
import { Shelves } from './sqlite-shelves.js';
import { Sweeper } from './sqlite-sweep.js';

/** What only tests set. */
export interface StoreTuning {
  /** After how many messageIds those in memory are merged into their tables. */
  readonly mergeSeenAt?: number;
}

export interface StoreExtras {
  readonly tuning?: StoreTuning;
  /** Told, in one line, what is wrong though the store goes on. */
  readonly warn?: (message: string) => void;
}

/** One open store on one connection, which blocks: it belongs on a thread of its own. */
export class Store {
  readonly database: DatabaseSyncInstance;
  readonly scanner: Scanner;
  readonly shelves: Shelves;
  readonly #ledger: Ledger;
  readonly #seen: SeenIds;
  readonly #appender: Appender;
  readonly #settler: Settler;
  readonly #sweeper: Sweeper;
  readonly #mark: MarkWriter;
  readonly #maxPending: number;
  readonly #oldest: StatementSyncInstance;

  constructor(
    database: DatabaseSyncInstance,
    options: StoreOptions,
    sinks: readonly string[],
    { tuning = {}, warn = () => undefined }: StoreExtras = {},
  ) {
    this.database = database;
    this.#maxPending = options.maxPending;
    this.#ledger = new Ledger(database);
    this.#seen = new SeenIds(database, this.#ledger, options.dedupeWindow, tuning.mergeSeenAt);
    this.#appender = new Appender(database, this.#ledger, this.#seen, options.maxPending);
    this.#settler = new Settler(database, this.#ledger);
    this.#sweeper = new Sweeper(database, this.#ledger);
    this.scanner = new Scanner(database, this.#ledger);
    this.shelves = new Shelves(database, this.#ledger, this.#appender);
    this.#oldest = database.prepare(
      'SELECT received_at FROM event WHERE position > ?1 AND (only_sink IS NULL OR only_sink = ?2)' +
        ' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.sink = ?2 AND s.position = event.position)' +
        ' ORDER BY position LIMIT 1',
    );
    const { path, durability } = options;
    this.#mark = new MarkWriter(path, { store: this.#ledger.store, durability }, warn);
    this.#transact(() => this.#ledger.configure(sinks));
  }

  get tail(): number {
    return this.#ledger.tail;
  }

  get id(): string {
    return this.#ledger.store;
  }

  /** All steps in one transaction; when this returns, they are as durable as the store's setting says. */
  commit(steps: readonly Step[], now: number): Committed {
    return this.#transact(() => {
      this.#seen.begin(eventsOf(steps), now);
      const results = steps.map((step) => this.#run(step, now));
      this.#settleAll(steps);
      this.#seen.write();
      return { results, tail: this.#ledger.tail };
    });
  }

  stats(): OutboxStats {
    const ledger = this.#ledger;
    const sinks = ledger.active().map((sink): SinkBacklog => {
      const { name, pending, delivered, dead } = sink;
      const backlog = { name, pending, delivered, deadLetters: dead };
      const oldest = pending === 0 ? undefined : this.#oldest.get(sink.position, sink.id);
      return oldest === undefined ? backlog : { ...backlog, oldestReceivedAt: oldest.received_at };
    });
    const { accepted, duplicates, quarantined, inQuarantine } = ledger;
    return { accepted, duplicates, quarantined, inQuarantine, pending: ledger.pending(), sinks };
  }

  /** Copies the -wal into the database file and closes both. */
  close(): void {
    try {
      this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#mark.close(this.#ledger);
    } finally {
      this.database.close();
    }
  }

  #run(step: Step, now: number): StepResults[keyof StepResults] {
    switch (step.kind) {
      case 'append':
        return this.#appender.append(step, now);
      case 'settle':
        return null;
      case 'replay':
        return this.shelves.replay(step.ids, now);
      case 'again':
        return this.#again(step, now);
      case 'purge':
        return step.shelf === 'dead'
          ? this.shelves.purgeDead(step.ids)
          : this.shelves.purgeQuarantine(step.ids);
      case 'accept':
        return this.shelves.accept(step.id, step.event, now);
      case 'probe':
        this.#ledger.probedAt = now;
        return this.#ledger.pending() >= this.#maxPending && this.#ledger.active().length > 0
          ? 'full'
          : 'ok';
      case 'sweep':
        return this.#sweeper.sweep(now, step.retention);
    }
  }

  #again({ events, sinks }: Extract<Step, { kind: 'again' }>, now: number): StepResults['again'] {
    const wanted = this.#ledger.active().filter(({ name }) => sinks.includes(name));
    if (wanted.some(({ pending }) => pending + events.length > this.#maxPending)) return 'full';
    return sinks.flatMap((name) => {
      const sink = wanted.find((each) => each.name === name);
      if (sink === undefined) return [];
      sink.pending += events.length;
      sink.changed = true;
      return events.map(({ json, orderKey }) => this.#appender.again(orderKey, json, sink.id, now));
    });
  }

  /** All settlements of a sink at once: together they are in order more often than one by one. */
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
      this.#ledger.save();
      this.database.exec('COMMIT');
      this.#mark.note(this.#ledger);
      this.#seen.committed();
      return result;
    } catch (error) {
      // Some errors of SQLite have rolled back by themselves.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      this.#ledger.load();
      this.#seen.rolledBack();
      throw error;
    }
  }
}

/** What may be accepted in these steps. */
function* eventsOf(steps: readonly Step[]): Generator<NewEvent> {
  for (const step of steps) {
    if (step.kind === 'append') yield* step.events;
    else if (step.kind === 'accept') yield step.event;
  }
}
