import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { opposite, type Side } from '../settings.js';
import type { Meta } from './meta.js';

/** A side is silent from this number of events of the other side on; fewer may all have been lost. */
const SILENT_EVENTS = 5;

/** Below this share of pairs the events of a silence count as lost in an outage; above it the outage was made up for. */
const MADE_UP = 0.5;
/** For how long it is remembered whether an outage was made up for, in milliseconds. */
const DECIDED_FOR = 5_000;

/** A time in which nothing can be said about a side: it was silent, or its events could not be recorded. */
export interface Span {
  readonly kind: 'silent' | 'gap';
  readonly side: Side;
  readonly from: number;
  /** undefined while it lasts. */
  readonly to: number | undefined;
  /** The events of the other side in this time. */
  readonly events: number;
}

/** When each side delivered something. Times are milliseconds since the epoch. */
export class Alive {
  readonly #meta: Meta;
  readonly #settle: number;
  readonly #touch: StatementSyncInstance;
  readonly #after: StatementSyncInstance;
  readonly #prune: StatementSyncInstance;
  readonly #addSpan: StatementSyncInstance;
  readonly #spans: StatementSyncInstance;
  readonly #covering: StatementSyncInstance;
  readonly #decided = new Map<
    number,
    { readonly at: number; readonly verdict: 'excused' | 'missing' }
  >();

  constructor(database: DatabaseSyncInstance, meta: Meta, settle: number) {
    this.#meta = meta;
    this.#settle = settle;
    this.#touch = database.prepare(
      'INSERT INTO alive (side, second, last, events) VALUES (?, ?, ?, 1)' +
        ' ON CONFLICT DO UPDATE SET last = max(last, excluded.last), events = events + 1',
    );
    this.#after = database.prepare(
      'SELECT last FROM alive WHERE side = ?1 AND second >= ?2 / 1000 AND last > ?2 ORDER BY second LIMIT 1',
    );
    this.#prune = database.prepare('DELETE FROM alive WHERE side = ? AND second < ?');
    this.#addSpan = database.prepare(
      'INSERT INTO span (kind, side, start, stop, events) VALUES (?, ?, ?, ?, ?)',
    );
    this.#spans = database.prepare('SELECT * FROM span WHERE stop >= ? ORDER BY start LIMIT 1000');
    this.#covering = database.prepare(
      "SELECT rowid AS id, kind, start, stop, events FROM span WHERE side = ?1 AND start <= ?2 + iif(kind = 'gap', ?3, 0)" +
        " AND stop >= ?2 - iif(kind = 'gap', ?3, 0) LIMIT 1",
    );
  }

  /** A side delivered an event. */
  saw(side: Side, at: number): void {
    const meta = this.#meta;
    this.#touch.run(numberOf(side), Math.floor(at / 1000), at);
    if (this.silence(side, at) !== undefined) {
      const since = this.#since(side);
      const events = meta.get(`${opposite(side)}Since`) ?? 0;
      this.#addSpan.run('silent', numberOf(side), since, at, events);
    }
    // Counts the events of this side since the other one was heard of.
    meta.set(`${side}Since`, (meta.get(`${side}Since`) ?? 0) + 1);
    meta.set(`${opposite(side)}Since`, 0);
    if (meta.get(`${side}First`) === undefined) meta.set(`${side}First`, at);
    meta.set(`${side}Last`, Math.max(at, meta.get(`${side}Last`) ?? 0));
  }

  /** Returns the silence of a side that lasts until `now`, if it is one. */
  silence(side: Side, now: number): Span | undefined {
    const from = this.#since(side);
    const events = this.#meta.get(`${opposite(side)}Since`) ?? 0;
    if (from === undefined || now - from <= this.#settle || events < SILENT_EVENTS)
      return undefined;
    return { kind: 'silent', side, from, to: undefined, events };
  }

  /** Nothing that arrived in this time is recorded. */
  gap(from: number, to: number): void {
    for (const side of [0, 1]) this.#addSpan.run('gap', side, from, to, 0);
  }

  /** Returns the first time after `at` at which a side delivered something; undefined if it has not yet. */
  firstAfter(side: Side, at: number): number | undefined {
    return this.#after.get(numberOf(side), at)?.last;
  }

  /**
   * Whether an outage or a gap may be why an event that arrived at `at` has no partner on `side`. Around a gap this holds
   * for `settle` milliseconds more, because the partner may have arrived earlier or later. A silence after which most
   * events found their partners was no outage, or the vendor has made up for it: it gets as long for that as the silence
   * took, and until then the answer is `wait`. `unpaired` counts the events of a time on the other side that have no
   * partner; `now` is milliseconds since the epoch.
   */
  excuse(
    side: Side,
    at: number,
    now: number,
    unpaired: (from: number, to: number) => number,
  ): 'excused' | 'missing' | 'wait' {
    const span = this.#covering.get(numberOf(side), at, this.#settle);
    if (span === undefined) return 'missing';
    if (span.kind === 'gap') return 'excused';
    if (now < 2 * span.stop - span.start + this.#settle) return 'wait';
    const known = this.#decided.get(span.id);
    if (known !== undefined && Math.abs(now - known.at) < DECIDED_FOR) return known.verdict;
    const isLost = unpaired(span.start, span.stop) > (1 - MADE_UP) * span.events;
    const verdict = isLost ? 'excused' : 'missing';
    if (this.#decided.size > 100) this.#decided.clear();
    this.#decided.set(span.id, { at: now, verdict });
    return verdict;
  }

  /** Returns the silences and gaps since a time, those that last included. */
  spans(since: number, now: number): Span[] {
    const ended = this.#spans.all(since).map(
      (row): Span => ({
        kind: row.kind,
        side: row.side === 0 ? 'left' : 'right',
        from: row.start,
        to: row.stop,
        events: row.events,
      }),
    );
    const lasting = (['left', 'right'] as const).flatMap((side) => this.silence(side, now) ?? []);
    return [...ended, ...lasting];
  }

  /** Forgets what happened before a time. */
  prune(before: number): void {
    for (const side of [0, 1]) this.#prune.run(side, Math.floor(before / 1000));
  }

  #since(side: Side): number | undefined {
    return this.#meta.get(`${side}Last`) ?? this.#meta.get(`${opposite(side)}First`);
  }
}

function numberOf(side: Side): number {
  return side === 'left' ? 0 : 1;
}
