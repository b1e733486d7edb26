import type { Clock } from '../../core/clock.js';
import { BacklogLevels, reportLevel } from '../backlog-levels.js';
import { excessOf, refuses } from '../limits.js';
import type { LossReport } from '../loss-report.js';
import type { OutboxLog, OutboxObserver } from '../outbox.js';
import type { Database } from './connection/database.js';
import type { Membership } from './members.js';
import type { PostgresOptions } from './options.js';
import type { StoredSink } from './sinks/registration.js';
import type { Totals } from './totals.js';
import type { Continuity } from './upkeep/continuity.js';

/** What the parts of an open outbox share. */
export interface Shared {
  readonly database: Database;
  /** A quoted identifier. */
  readonly schema: string;
  readonly options: PostgresOptions;
  readonly partitions: number;
  readonly clock: Clock;
  readonly log: OutboxLog;
  readonly observer: OutboxObserver | undefined;
  readonly losses: LossReport;
  readonly membership: Membership;
  readonly continuity: Continuity;
  readonly totals: Totals;
  readonly backlogs: Backlogs;
  /** The generation of known ids that is current, as far as this process knows. */
  generation: number;
  /** Called when events up to this position were written. */
  readonly onWritten: (tail: number) => void;
  /** Applies `full` to the sinks whose backlogs are above their limits, unless it is `refuse`. Never rejects. */
  readonly relieve: () => Promise<void>;
}

/** The sinks of the store and how many events each has pending. */
export class Backlogs {
  readonly #totals: Totals;
  readonly #log: OutboxLog;
  readonly #levels = new BacklogLevels();
  #sinks: ReadonlyMap<string, StoredSink> = new Map();

  constructor(totals: Totals, log: OutboxLog) {
    this.#totals = totals;
    this.#log = log;
  }

  know(sinks: ReadonlyMap<string, StoredSink>): void {
    this.#sinks = sinks;
  }

  get(name: string): StoredSink | undefined {
    return this.#sinks.get(name);
  }

  byId(id: number): StoredSink | undefined {
    for (const sink of this.#sinks.values()) if (sink.id === id) return sink;
    return undefined;
  }

  all(): readonly StoredSink[] {
    return [...this.#sinks.values()];
  }

  active(): readonly StoredSink[] {
    return this.all().filter(({ active }) => active);
  }

  pending(sink: StoredSink): number {
    return this.#totals.pending(sink);
  }

  /** Returns the sinks that reject `further` more events. */
  refusing(further: number): readonly string[] {
    return this.active()
      .filter((sink) => refuses(this.pending(sink), further, sink.limit))
      .map(({ name }) => name);
  }

  /** Whether a sink has to lose events. */
  get isOver(): boolean {
    return this.active().some((sink) => this.excess(sink) > 0);
  }

  /** Returns how many events a sink must lose. */
  excess(sink: StoredSink): number {
    return excessOf(this.pending(sink), sink.limit);
  }

  /** Reports backlogs that approach their limits. */
  report(): void {
    for (const sink of this.active()) {
      const pending = this.pending(sink);
      const level = this.#levels.risenTo(sink.name, pending, sink.limit);
      if (level !== undefined) reportLevel(this.#log, sink.name, pending, level, sink.limit);
    }
  }
}
