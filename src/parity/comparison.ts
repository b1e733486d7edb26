import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { causeOf } from './causes.js';
import { compareEvents } from './compare/compare.js';
import {
  type Arrival,
  anonymousKey,
  type Entry,
  EntryReader,
  type EntryState,
  librariesOf,
} from './entry.js';
import { type Fingerprint, nameOf, type PersonKeys, personKeys, personOf } from './fingerprint.js';
import { keyOf, visitorsOf } from './pairing/keys.js';
import { type Match, match } from './pairing/match.js';
import { Offsets } from './pairing/offset.js';
import { nearestContent, sameVisitor } from './pairing/similar.js';
import { type Grade, opposite, type ParitySettings, SIDES, type Side } from './settings.js';
import { Alive } from './store/alive.js';
import { AnonymousIds } from './store/anonymous.js';
import { Arrivals } from './store/arrivals.js';
import { Meta } from './store/meta.js';
import { type KeyColumn, OpenEntries } from './store/open-entries.js';
import { Samples } from './store/samples.js';
import { SeenIds } from './store/seen.js';
import { type Counted, Tallies } from './store/tallies.js';

/** Arrivals of one step, which is one transaction, and entries that it settles on each side. */
const STEP = 500;
/** The share of members that two events of unknown visitors must agree on. */
const MUST_AGREE = 0.5;
/** Verdicts are kept for this time, in milliseconds. */
const KEEP = 8 * 86_400_000;
/** Old counts are merged and deleted after this time, in milliseconds. */
const UPKEEP = 60_000;

/**
 * One comparison: takes what arrived on both sides, pairs it and counts verdicts. It decides nothing by the time at which
 * it runs: an event that waits in the journal, behind a backlog or over a restart, gets the same verdict later.
 */
export class Comparison {
  readonly arrivals: Arrivals;
  readonly open: OpenEntries;
  readonly alive: Alive;
  readonly samples: Samples;
  readonly settings: ParitySettings;
  readonly #database: DatabaseSyncInstance;
  readonly #meta: Meta;
  readonly #seen: SeenIds;
  readonly #tallies: Tallies;
  readonly #anonymous: AnonymousIds;
  readonly #offsets = new Offsets();
  readonly #reader: EntryReader;
  /** Events of both sides wait for this time before they are paired, so that the nearest one is among the candidates. */
  readonly #hold: number;
  readonly #startedAt: number;
  #upkeepAt = 0;

  /** `startedAt`: nothing was received right before this time, in milliseconds since the epoch. */
  constructor(database: DatabaseSyncInstance, settings: ParitySettings, startedAt: number) {
    this.settings = settings;
    this.#database = database;
    this.#meta = new Meta(database);
    this.#seen = new SeenIds(database, this.#meta, settings.final);
    this.#tallies = new Tallies(database);
    this.#anonymous = new AnonymousIds(database);
    this.#reader = new EntryReader(settings);
    this.arrivals = new Arrivals(database);
    this.open = new OpenEntries(database);
    this.alive = new Alive(database, this.#meta, settings.settle);
    this.samples = new Samples(database);
    this.#hold = Math.min(settings.window, settings.settle) / 2;
    this.#startedAt = startedAt;
  }

  /**
   * Takes the next arrivals, or settles if there are none. Returns whether there is more to do now. `now`: milliseconds
   * since the epoch. On an error nothing has happened.
   */
  step(now: number): boolean {
    const until = now - this.#hold;
    const arrivals = this.arrivals.next(until, STEP);
    return this.#transaction(() => {
      this.#seen.rotate(now);
      this.#take(arrivals);
      const hasMore = arrivals.length === STEP;
      const settled = hasMore ? 0 : this.#settle(until);
      if (now - this.#upkeepAt > UPKEEP) this.#upkeep(now);
      return hasMore || settled > 0;
    });
  }

  /**
   * Continues with the store of an earlier process. A commit survives a killed process but not the end of the machine: a
   * start of the machine since then is a gap, because the last arrivals may be lost.
   */
  resume(now: number, bootId: number): void {
    this.#transaction(() => {
      const before = this.#meta.get('bootId');
      const last = Math.max(this.#meta.get('leftLast') ?? 0, this.#meta.get('rightLast') ?? 0);
      if (before !== undefined && before !== bootId && last > 0) this.alive.gap(last, now);
      this.#meta.set('bootId', bootId);
    });
  }

  /** Nothing that arrived in this time was recorded: an event without a partner near it is not missing. */
  gap(from: number, to: number): void {
    this.#transaction(() => this.alive.gap(from, to));
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#tallies.flush();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#tallies.discard();
      this.#meta.reload();
      throw error;
    }
  }

  #take(arrivals: readonly Arrival[]): void {
    const fresh = new Set<Entry>();
    for (const arrival of arrivals) {
      this.arrivals.remove(arrival.id);
      this.alive.saw(arrival.side, arrival.at);
      const entry = this.#read(arrival, 'unpaired');
      if (entry === undefined) continue;
      if (this.#isRedelivery(entry)) {
        this.#count(entry, entry.side === 'left' ? 'repeatsLeft' : 'repeatsRight');
      } else fresh.add(entry);
    }
    this.#pairBy(fresh, 'message');
    this.#pairBy(fresh, 'correlation');
    const learned = this.#pairBy(fresh, 'full');
    const more = this.#voteByContent(fresh);
    if (learned || more) this.#pairBy(this.#withNewKeys(fresh), 'full', fresh);
    for (const entry of fresh) this.open.add(entry);
  }

  #read(arrival: Arrival, state: EntryState): Entry | undefined {
    return this.#reader.read(arrival, state, (print) => this.#keysOf(arrival.side, print));
  }

  #keysOf(side: Side, { anonymousId, base, data, userId }: Fingerprint): PersonKeys {
    const visitor =
      anonymousId === undefined || side === 'left' || userId !== undefined
        ? anonymousId
        : this.#anonymous.leftOf(anonymousId);
    return personKeys(base, data, personOf(userId, visitor));
  }

  #isRedelivery({ fingerprint: { messageId }, side }: Entry): boolean {
    return messageId !== undefined && this.#seen.add(side, messageId);
  }

  /** Pairs fresh entries by a key, with each other and with open ones. Returns whether anonymousIds were learned. */
  #pairBy(
    fresh: ReadonlySet<Entry>,
    column: 'message' | 'correlation' | 'full',
    all = fresh,
  ): boolean {
    const keyed = new Map<number, Entry[]>();
    for (const entry of fresh) {
      const key = keyOf(entry, column);
      if (key === undefined) continue;
      const group = keyed.get(key);
      if (group === undefined) keyed.set(key, [entry]);
      else group.push(entry);
    }
    let learned = false;
    for (const [key, group] of keyed) {
      const candidates = [...group, ...this.#candidates(column, key, group)];
      for (const found of this.#match(candidates, column)) {
        const grade = column === 'full' ? (found.isRepeat ? 'repeat' : 'strong') : 'exact';
        learned = this.#pair(found.left, found.right, grade, all as Set<Entry>) || learned;
        if (!found.isRepeat) this.#learnOffset(found);
      }
    }
    return learned;
  }

  #learnOffset({ left, right }: Match<Entry>): void {
    // An event that was paired by its id alone may be back-dated on one side.
    const difference = right.call - left.call;
    if (Math.abs(difference) <= this.settings.window) {
      this.#offsets.learn(librariesOf(left, right), difference);
    }
  }

  #candidates(column: KeyColumn, key: number, group: readonly Entry[]): Entry[] {
    const isExact = column === 'message' || column === 'correlation';
    const reach = isExact ? Number.MAX_SAFE_INTEGER / 4 : 2 * this.settings.window;
    const calls = group.map(({ call }) => call);
    const rows = this.open.byKey(
      column,
      key,
      Math.min(...calls) - reach,
      Math.max(...calls) + reach,
    );
    return rows.flatMap((row) => this.#read(row, row.state) ?? []);
  }

  #match(candidates: readonly Entry[], column: KeyColumn): Match<Entry>[] {
    const lefts = candidates.filter(({ side }) => side === 'left');
    const rights = candidates.filter(({ side }) => side === 'right');
    const [left] = lefts;
    const [right] = rights;
    if (left === undefined || right === undefined) return [];
    const isExact = column === 'message' || column === 'correlation';
    const window = isExact ? Number.MAX_SAFE_INTEGER / 4 : this.settings.window;
    return match(lefts, rights, { window, offset: this.#offsets.of(librariesOf(left, right)) });
  }

  /**
   * Entries without a partner vote for their anonymousIds if they say the same and nobody else said it at the time.
   * Returns whether a vote decided.
   */
  #voteByContent(fresh: ReadonlySet<Entry>): boolean {
    let learned = false;
    const keys = new Map<number, Entry[]>();
    for (const entry of fresh) {
      const { anonymousId, content, userId } = entry.fingerprint;
      if (anonymousId === undefined || userId !== undefined) continue;
      keys.set(content, [...(keys.get(content) ?? []), entry]);
    }
    for (const [key, group] of keys) {
      const candidates = [...group, ...this.#candidates('content', key, group)];
      // Repeats by one visitor vote as well: whichever of them pair, the visitors are the same.
      const isAlone = SIDES.every((side) => visitorsOf(candidates, side) === 1);
      for (const { isRepeat, left, right } of this.#match(candidates, 'content')) {
        if (!isRepeat || isAlone) learned = this.#vote(left, right) || learned;
      }
    }
    return learned;
  }

  #vote({ fingerprint: left, at }: Entry, { fingerprint: right }: Entry): boolean {
    if (left.anonymousId === undefined || right.anonymousId === undefined) return false;
    if (!this.#anonymous.vote(left.anonymousId, right.anonymousId, at)) return false;
    this.#rekeyOpen(right.anonymousId);
    return true;
  }

  /** Open entries of a visitor whose partner has become known get the keys of the partner. */
  #rekeyOpen(anonymousId: string): void {
    const rows = this.open.byKey(
      'anonymous',
      anonymousKey(anonymousId) ?? 0,
      0,
      Number.MAX_SAFE_INTEGER,
    );
    for (const row of rows) {
      if (row.side === 'left') continue;
      const entry = this.#read(row, row.state);
      if (entry !== undefined) this.open.rekey(entry.id, entry.full, entry.loose);
    }
  }

  /** Returns fresh entries with the keys that they have now, in place of the old ones. */
  #withNewKeys(fresh: Set<Entry>): Set<Entry> {
    for (const entry of [...fresh]) {
      const keys = this.#keysOf(entry.side, entry.fingerprint);
      if (keys.full === entry.full) continue;
      fresh.delete(entry);
      fresh.add({ ...entry, ...keys });
    }
    return fresh;
  }

  /** Counts a pair and forgets its events. Returns whether anonymousIds were learned. */
  #pair(left: Entry, right: Entry, grade: Grade, fresh?: Set<Entry>): boolean {
    for (const entry of [left, right]) {
      if (fresh?.delete(entry) !== true) this.open.remove(entry.id);
    }
    const { event } = left;
    const named = { type: event.type, event: nameOf(event) };
    const at = Math.min(left.at, right.at);
    const { differences, rules } = compareEvents(left.normalized, right.normalized, {
      compare: this.settings.compare,
      tolerance: this.settings.tolerance,
      contradicts: (one, other) => this.#anonymous.contradicts(one, other),
    });
    const count = (what: Counted): void => this.#tallies.count(at, named, what);
    count('both');
    count(grade);
    this.#tallies.lag(at, right.at - left.at);
    for (const rule of rules) this.#tallies.rule(at, rule);
    if (differences.length > 0) count('different');
    for (const difference of differences) {
      this.#tallies.difference(at, difference, causeOf(left, right, difference));
      const texts = { left: left.json, right: right.json };
      this.samples.keep({ ...difference, at, grade, ...texts });
    }
    let isLate = false;
    for (const entry of [left, right]) {
      if (entry.state !== 'missing') continue;
      this.#count(entry, onlyOn(entry.side), -1);
      isLate = true;
    }
    if (isLate) count('late');
    return grade === 'weak' ? false : this.#vote(left, right);
  }

  #count(entry: Entry, what: Counted, events = 1): void {
    const { event } = entry;
    this.#tallies.count(entry.at, { type: event.type, event: nameOf(event) }, what, events);
  }

  /** Settles what has waited long enough until `now`. Returns the number of verdicts. */
  #settle(now: number): number {
    let verdicts = 0;
    for (const side of SIDES) {
      const last = this.#meta.get(`${opposite(side)}Last`) ?? 0;
      const before = Math.min(now - this.settings.settle, last);
      const gone = new Set<number>();
      for (const row of this.open.unpaired(side, before, STEP)) {
        if (gone.has(row.id) || !this.#isDue(row, now)) continue;
        const entry = this.#read(row, row.state);
        if (entry === undefined) this.open.remove(row.id);
        else if (!this.#pairWeakly(entry, gone) && !this.#miss(entry, now)) continue;
        verdicts += 1;
      }
    }
    const expired = this.open.expired(now - this.settings.final, STEP);
    for (const id of expired) this.open.remove(id);
    return verdicts + expired.length;
  }

  /** Whether the other side was alive after an event, and long enough ago for its partner to have arrived. */
  #isDue({ at, side }: Arrival, now: number): boolean {
    const alive = this.alive.firstAfter(opposite(side), Math.max(at, this.#startedAt));
    return alive !== undefined && now - alive >= this.settings.settle;
  }

  /** Pairs an entry whose properties or person differ. `gone` receives its partner. */
  #pairWeakly(entry: Entry, gone: Set<number>): boolean {
    const { window } = this.settings;
    for (const column of ['full', 'loose', 'content', 'base'] as const) {
      const { fingerprint } = entry;
      const isPerson = column === 'full' || column === 'loose';
      const key = isPerson ? entry[column] : fingerprint[column];
      const candidates = this.#candidates(column, key, [entry]);
      const found =
        column === 'loose'
          ? nearestContent(candidates, window)
          : column === 'base'
            ? nearestContent(sameVisitor(entry, candidates), window, MUST_AGREE)
            : this.#match(candidates, column);
      const pair = found.find(({ left, right }) => left.id === entry.id || right.id === entry.id);
      if (pair === undefined) continue;
      const isWeak = column === 'loose' || column === 'base';
      this.#pair(pair.left, pair.right, isWeak ? 'weak' : pair.isRepeat ? 'repeat' : 'strong');
      gone.add(pair.left.id);
      gone.add(pair.right.id);
      return true;
    }
    return false;
  }

  /** Decides about an entry without a partner. Returns false if it is too early. */
  #miss(entry: Entry, now: number): boolean {
    const verdict = this.alive.excuse(opposite(entry.side), entry.at, now, (from, to) =>
      this.open.arrivedBetween(entry.side, from, to),
    );
    if (verdict === 'wait') return false;
    this.open.setState(entry.id, verdict);
    if (verdict === 'excused') return true;
    const kind = onlyOn(entry.side);
    this.#count(entry, kind);
    this.samples.keep({
      path: '',
      kind,
      at: entry.at,
      grade: undefined,
      left: undefined,
      right: undefined,
      [entry.side]: entry.json,
    });
    return true;
  }

  #upkeep(now: number): void {
    this.#upkeepAt = now;
    this.#tallies.flush();
    const from = this.#meta.get('rolledUp') ?? 0;
    this.#meta.set('rolledUp', this.#tallies.rollUp(from, now, now - KEEP));
    this.alive.prune(now - 2 * this.settings.final - this.settings.settle);
    this.#anonymous.prune(now - KEEP);
    this.samples.trim();
  }
}

function onlyOn(side: Side): 'onlyLeft' | 'onlyRight' {
  return side === 'left' ? 'onlyLeft' : 'onlyRight';
}
