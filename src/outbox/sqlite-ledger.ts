import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';

export interface SinkRow {
  readonly id: number;
  readonly name: string;
  active: boolean;
  /** Everything up to this position is settled. */
  position: number;
  pending: number;
  delivered: number;
  dead: number;
  /** Whether something above `position` is settled, and so listed. */
  scattered: boolean;
  changed: boolean;
}

/**
 * The counters of the store, held in memory and written in the transaction they count. After a rollback they are read
 * again, so memory and file never disagree for longer than that.
 */
export class Ledger {
  accepted = 0;
  duplicates = 0;
  quarantined = 0;
  inQuarantine = 0;
  generation = 0;
  generationSince = 0;
  probedAt = 0;
  /** The newest position ever given out. */
  tail = 0;
  /** The id of the store. */
  store = '';
  #sinks = new Map<string, SinkRow>();
  /** By source; those whose row is not as the file has it are listed as well. */
  #unauthenticated = new Map<string, number>();
  readonly #recounted = new Set<string>();
  /** As the file has them. */
  #saved: readonly number[] = [];
  readonly #database: DatabaseSyncInstance;
  readonly #saveSink: StatementSyncInstance;
  readonly #saveLedger: StatementSyncInstance;
  readonly #saveUnauthenticated: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
    this.#saveSink = database.prepare(
      'UPDATE sink SET active = ?, position = ?, pending = ?, delivered = ?, dead = ? WHERE id = ?',
    );
    this.#saveLedger = database.prepare(
      'UPDATE ledger SET tail = ?, accepted = ?, duplicates = ?, quarantined = ?, in_quarantine = ?, generation = ?,' +
        ' generation_since = ?, probed_at = ?',
    );
    this.#saveUnauthenticated = database.prepare(
      'INSERT INTO unauthenticated (source, weight) VALUES (?, ?)' +
        ' ON CONFLICT (source) DO UPDATE SET weight = excluded.weight',
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
    this.#unauthenticated = new Map();
    for (const { source, weight } of this.#database
      .prepare('SELECT * FROM unauthenticated')
      .all()) {
      this.#unauthenticated.set(source, weight);
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
        dead: sink.dead,
        scattered: sink.scattered === 1,
        changed: false,
      });
    }
  }

  save(): void {
    for (const sink of this.#sinks.values()) {
      if (!sink.changed) continue;
      const { active, position, pending, delivered, dead, id } = sink;
      this.#saveSink.run(active ? 1 : 0, position, pending, delivered, dead, id);
      sink.changed = false;
    }
    for (const source of this.#recounted) {
      this.#saveUnauthenticated.run(source, this.unauthenticated(source));
    }
    this.#recounted.clear();
    const values = this.#values();
    // A transaction in which nothing has changed writes nothing then, and costs no fsync.
    if (values.every((value, at) => value === this.#saved[at])) return;
    this.#saveLedger.run(...values);
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

  /** Makes exactly these sinks the configured ones; one that is new starts behind the newest event. */
  configure(names: readonly string[]): void {
    const insert = this.#database.prepare(
      'INSERT INTO sink (name, active, position, pending, delivered, dead) VALUES (?, 1, ?, 0, 0, 0)' +
        ' ON CONFLICT DO NOTHING',
    );
    for (const name of names) insert.run(name, this.tail);
    this.load();
    for (const sink of this.#sinks.values()) {
      sink.active = names.includes(sink.name);
      sink.changed = true;
    }
  }

  /** The weight of what is in quarantine now for this source since nothing authenticated it. */
  unauthenticated(source: string): number {
    return this.#unauthenticated.get(source) ?? 0;
  }

  addUnauthenticated(source: string, weight: number): void {
    if (weight === 0) return;
    this.#unauthenticated.set(source, this.unauthenticated(source) + weight);
    this.#recounted.add(source);
  }

  /** All sinks the store has ever known, configured or not. */
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

  /** The largest backlog of any configured sink. */
  pending(): number {
    let most = 0;
    for (const sink of this.#sinks.values()) {
      if (sink.active && sink.pending > most) most = sink.pending;
    }
    return most;
  }

  /** Up to where every configured sink has settled everything. */
  delivered(): number {
    let least = this.tail;
    for (const sink of this.#sinks.values()) {
      if (sink.active && sink.position < least) least = sink.position;
    }
    return least;
  }
}
