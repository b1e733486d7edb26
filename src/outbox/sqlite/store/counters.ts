import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { refuses, type SinkLimit } from '../../limits.js';

export interface QuarantineRow {
  readonly entries: number;
  /** The weight of the unauthenticated ones among them: see `unauthenticatedWeight`. */
  readonly weight: number;
}

export interface SinkRow {
  readonly id: number;
  readonly name: string;
  active: boolean;
  /** Everything up to this position is settled. */
  position: number;
  pending: number;
  delivered: number;
  /** Excluded by the sink's filter or transform. */
  filtered: number;
  /** Removed undelivered, by the sink's limit or by an operator. */
  discarded: number;
  /** Passed the retention while the sink was not configured. */
  missed: number;
  dead: number;
  /** By an operator. */
  paused: boolean;
  /** The option `start` as last applied or noticed. */
  start: string;
  /** Whether an event above `position` is settled, and therefore listed. */
  scattered: boolean;
  changed: boolean;
  /** As configured. A sink that is not configured has no limit. */
  readonly limit: SinkLimit | undefined;
}

/** A sink of the store. `wasActive`: whether it was configured before; absent if it is new. */
export interface KnownSink {
  readonly sink: SinkRow;
  readonly wasActive: boolean | undefined;
}

/**
 * The counters of the store. They are held in memory and written in the transaction that they count. After a rollback
 * they are read again, so memory and file never disagree for longer than that.
 */
export class Counters {
  accepted = 0;
  duplicates = 0;
  quarantined = 0;
  inQuarantine = 0;
  generation = 0;
  generationSince = 0;
  probedAt = 0;
  /** The newest position ever assigned. */
  tail = 0;
  /** The id of the store. */
  store = '';
  #sinks = new Map<string, SinkRow>();
  /** By configured sink; undefined before the first configuration. */
  #limits: ReadonlyMap<string, SinkLimit> | undefined;
  /** The entries in quarantine, by source. Rows that differ from the file are listed as well. */
  #quarantine = new Map<string, QuarantineRow>();
  readonly #recounted = new Set<string>();
  /** The values in the file. */
  #saved: readonly number[] = [];
  readonly #database: DatabaseSyncInstance;
  readonly #saveSink: StatementSyncInstance;
  readonly #saveCounters: StatementSyncInstance;
  readonly #saveQuarantine: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
    this.#saveSink = database.prepare(
      'UPDATE sink SET active = ?, position = ?, pending = ?, delivered = ?, filtered = ?,' +
        ' discarded = ?, dead = ?, missed = ?, paused = ?, start = ? WHERE id = ?',
    );
    this.#saveCounters = database.prepare(
      'UPDATE ledger SET tail = ?, accepted = ?, duplicates = ?, quarantined = ?, in_quarantine = ?, generation = ?,' +
        ' generation_since = ?, probed_at = ?',
    );
    this.#saveQuarantine = database.prepare(
      'INSERT INTO quarantine_count (source, entries, weight) VALUES (?, ?, ?)' +
        ' ON CONFLICT (source) DO UPDATE SET entries = excluded.entries, weight = excluded.weight',
    );
    this.load();
  }

  load(): void {
    const row = this.#database.prepare('SELECT * FROM ledger').get();
    this.store = row.store;
    this.tail = row.tail;
    this.accepted = row.accepted;
    this.duplicates = row.duplicates;
    this.quarantined = row.quarantined;
    this.inQuarantine = row.in_quarantine;
    this.generation = row.generation;
    this.generationSince = row.generation_since;
    this.probedAt = row.probed_at;
    this.#saved = this.#values();
    this.#recounted.clear();
    this.#quarantine = new Map();
    for (const { source, entries, weight } of this.#database
      .prepare('SELECT * FROM quarantine_count')
      .all()) {
      this.#quarantine.set(source, { entries, weight });
    }
    this.#sinks = new Map();
    const sinks = this.#database.prepare(
      'SELECT *, EXISTS (SELECT 1 FROM settled WHERE sink = sink.id) AS scattered FROM sink',
    );
    for (const sink of sinks.all()) {
      this.#sinks.set(sink.name, {
        id: sink.id,
        name: sink.name,
        active: sink.active === 1,
        position: sink.position,
        pending: sink.pending,
        delivered: sink.delivered,
        filtered: sink.filtered,
        discarded: sink.discarded,
        dead: sink.dead,
        missed: sink.missed,
        paused: sink.paused === 1,
        start: sink.start,
        scattered: sink.scattered === 1,
        changed: false,
        limit: this.#limits?.get(sink.name),
      });
    }
  }

  save(): void {
    for (const sink of this.#sinks.values()) {
      if (!sink.changed) continue;
      const { active, position, pending, delivered, filtered, discarded, dead, missed, id } = sink;
      const counters = [pending, delivered, filtered, discarded, dead, missed];
      const { paused, start } = sink;
      this.#saveSink.run(active ? 1 : 0, position, ...counters, paused ? 1 : 0, start, id);
      sink.changed = false;
    }
    for (const source of this.#recounted) {
      const { entries, weight } = this.#quarantined(source);
      this.#saveQuarantine.run(source, entries, weight);
    }
    this.#recounted.clear();
    const values = this.#values();
    // A transaction that changes nothing then writes nothing, and costs no fsync.
    if (values.every((value, at) => value === this.#saved[at])) return;
    this.#saveCounters.run(...values);
    this.#saved = values;
  }

  #values(): readonly number[] {
    return [
      this.tail,
      this.accepted,
      this.duplicates,
      this.quarantined,
      this.inQuarantine,
      this.generation,
      this.generationSince,
      this.probedAt,
    ];
  }

  /**
   * Makes exactly these sinks the configured ones. A sink that is new to the store is added, and has nothing pending.
   * Returns the sinks of the store as they were before, with whether each was known.
   */
  configure(limits: ReadonlyMap<string, SinkLimit>): readonly KnownSink[] {
    const before = new Map([...this.#sinks.values()].map((sink) => [sink.name, sink.active]));
    this.#limits = limits;
    const insert = this.#database.prepare(
      'INSERT INTO sink (name, active, position, pending, delivered, dead) VALUES (?, 1, ?, 0, 0, 0)' +
        ' ON CONFLICT DO NOTHING',
    );
    for (const name of limits.keys()) insert.run(name, this.tail);
    this.load();
    return [...this.#sinks.values()].map((sink) => {
      sink.active = limits.has(sink.name);
      sink.changed = true;
      return { sink, wasActive: before.get(sink.name) };
    });
  }

  /** The limits of the configured sinks. */
  get limits(): ReadonlyMap<string, SinkLimit> | undefined {
    return this.#limits;
  }

  /** Returns to the limits of an earlier configuration, after a rollback of a later one. */
  restore(limits: ReadonlyMap<string, SinkLimit> | undefined): void {
    this.#limits = limits;
    this.load();
  }

  /** Returns the weight of the source's unauthenticated entries in quarantine. */
  unauthenticated(source: string): number {
    return this.#quarantined(source).weight;
  }

  quarantinedBySource(): ReadonlyMap<string, number> {
    return new Map([...this.#quarantine].map(([source, { entries }]) => [source, entries]));
  }

  /** Counts an entry that enters quarantine (1) or leaves it (-1), with its weight. */
  countQuarantined(source: string, entries: 1 | -1, weight: number): void {
    const before = this.#quarantined(source);
    this.inQuarantine += entries;
    this.#quarantine.set(source, {
      entries: before.entries + entries,
      weight: before.weight + entries * weight,
    });
    this.#recounted.add(source);
  }

  #quarantined(source: string): QuarantineRow {
    return this.#quarantine.get(source) ?? { entries: 0, weight: 0 };
  }

  /** Pauses or resumes a sink. Returns whether it is configured. */
  pause(name: string, paused: boolean): boolean {
    const sink = this.#sinks.get(name);
    if (!sink?.active) return false;
    sink.paused = paused;
    sink.changed = true;
    return true;
  }

  /** Returns all sinks that the store has ever known, configured or not. */
  all(): IterableIterator<SinkRow> {
    return this.#sinks.values();
  }

  active(): SinkRow[] {
    return [...this.#sinks.values()].filter((sink) => sink.active);
  }

  get(name: string): SinkRow | undefined {
    return this.#sinks.get(name);
  }

  byId(id: number): SinkRow | undefined {
    for (const sink of this.#sinks.values()) if (sink.id === id) return sink;
    return undefined;
  }

  /** Returns the sinks that reject `further` more events. */
  refusing(further: number): string[] {
    const names: string[] = [];
    for (const { limit, name, pending } of this.#sinks.values()) {
      if (limit !== undefined && refuses(pending, further, limit)) names.push(name);
    }
    return names;
  }

  /** Returns the largest backlog of any configured sink. */
  pending(): number {
    let most = 0;
    for (const sink of this.#sinks.values()) {
      if (sink.active && sink.pending > most) most = sink.pending;
    }
    return most;
  }

  /** Returns the position up to which every configured sink has settled everything. */
  delivered(): number {
    let least = this.tail;
    for (const sink of this.#sinks.values()) {
      if (sink.active && sink.position < least) least = sink.position;
    }
    return least;
  }
}
