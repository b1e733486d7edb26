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
  dead: number;
  /** By an operator. */
  paused: boolean;
  /** Whether an event above `position` is settled, and therefore listed. */
  scattered: boolean;
  changed: boolean;
  /** As configured. A sink that is not configured has no limit. */
  readonly limit: SinkLimit | undefined;
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
  #limits: ReadonlyMap<string, SinkLimit> = new Map();
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
        ' discarded = ?, dead = ?, paused = ? WHERE id = ?',
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
        paused: sink.paused === 1,
        scattered: sink.scattered === 1,
        changed: false,
        limit: this.#limits.get(sink.name),
      });
    }
  }

  save(): void {
    for (const sink of this.#sinks.values()) {
      if (!sink.changed) continue;
      const { active, position, pending, delivered, filtered, discarded, dead, id } = sink;
      const counters = [pending, delivered, filtered, discarded, dead];
      this.#saveSink.run(active ? 1 : 0, position, ...counters, sink.paused ? 1 : 0, id);
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
   * Makes exactly these sinks the configured ones. A new sink starts after the newest event. Returns notices for the
   * operator, one line each.
   */
  configure(limits: ReadonlyMap<string, SinkLimit>): readonly string[] {
    const known = new Set(this.#sinks.keys());
    this.#limits = limits;
    const insert = this.#database.prepare(
      'INSERT INTO sink (name, active, position, pending, delivered, dead) VALUES (?, 1, ?, 0, 0, 0)' +
        ' ON CONFLICT DO NOTHING',
    );
    for (const name of limits.keys()) insert.run(name, this.tail);
    this.load();
    const said: string[] = [];
    for (const sink of this.#sinks.values()) {
      const isKnown = known.has(sink.name);
      const line =
        isKnown || this.tail === 0
          ? changeOf(sink, limits.has(sink.name))
          : `sink ${sink.name} is new: it starts with the next event`;
      if (line !== undefined) said.push(line);
      sink.active = limits.has(sink.name);
      sink.changed = true;
    }
    return said;
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

/** Returns a notice for the operator about a sink that existed before; undefined if nothing has changed. */
function changeOf(sink: SinkRow, isConfigured: boolean): string | undefined {
  const { active, name, paused, pending } = sink;
  const events = `${pending} pending event${pending === 1 ? '' : 's'}`;
  if (isConfigured && paused) {
    return `sink ${name} is paused and has ${events}; continue with trackbridge sinks resume ${name}`;
  }
  if (pending === 0) return undefined;
  if (!isConfigured) {
    return `sink ${name} is no longer configured and has ${events}; they stay until outbox.retention ends: configure it again to deliver them, or discard them with trackbridge sinks purge ${name}`;
  }
  return active
    ? undefined
    : `sink ${name} is configured again and resumes where it stopped: it receives ${events}`;
}
