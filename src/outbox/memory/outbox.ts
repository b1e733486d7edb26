import { randomUUID } from 'node:crypto';
import { TrackbridgeError } from '../../core/errors.js';
import { BacklogLevels, reportLevel } from '../backlog-levels.js';
import type { Bounds } from '../bounds.js';
import { isDuplicate, type Seen } from '../duplicate.js';
import type {
  DeadLetter,
  DeadLetterStore,
  KeptDeadLetters,
  Quarantined,
  QuarantineStore,
  Requeued,
} from '../entries.js';
import type { Consumer } from '../feed.js';
import type { AcceptedEvent, Appended, NewDelivery, NewEvent, RequeuedFor } from '../intake.js';
import { limitsOf, outboxFull, overLimit, refuses, roomFor } from '../limits.js';
import { LossReport } from '../loss-report.js';
import type { Outbox, OutboxDeps } from '../outbox.js';
import { SettledWatch } from '../settled-watch.js';
import type { OutboxStats } from '../statistics.js';
import type { SinkSettings } from '../store.js';
import {
  exceedsUnauthenticated,
  unauthenticatedFull,
  unauthenticatedWeight,
} from '../unauthenticated.js';
import { unknownSink } from '../unknown-sink.js';
import { MemoryConsumer } from './consumer.js';
import { MemoryEntries } from './entries.js';
import { type MemoryEvent, MemorySink, type OpenEvent } from './sink.js';

export interface MemoryOptions {
  /** Milliseconds. */
  readonly dedupeWindow: number;
  readonly maxPending: number;
  /** If absent, there are no limits. */
  readonly quarantine?: Bounds;
  readonly deadLetters?: Bounds;
}

const UNBOUNDED = { max: Number.POSITIVE_INFINITY, keep: Number.POSITIVE_INFINITY };

type Letter = DeadLetter & { readonly orderKey: string };

/** An outbox for experiments and tests. It is fast, and its content is lost when the process ends. */
export class MemoryOutbox implements Outbox {
  readonly id = randomUUID();
  readonly #options: MemoryOptions;
  readonly #deps: OutboxDeps;
  readonly #sinks = new Map<string, MemorySink>();
  readonly #consumers = new Map<string, Consumer>();
  readonly #watch = new SettledWatch();
  readonly #dead: MemoryEntries<Letter>;
  readonly #quarantine: MemoryEntries<Quarantined>;
  readonly #levels = new BacklogLevels();
  readonly #losses: LossReport;
  /** The weight of the unauthenticated entries in quarantine, by source. */
  readonly #unauthenticated = new Map<string, number>();
  /** Oldest first, so that entries past the window can be dropped from the front. */
  readonly #seen = new Map<string, Seen>();
  #lastId = 0;
  #accepted = 0;
  #duplicates = 0;
  #quarantined = 0;
  #state: 'new' | 'open' | 'closed' = 'new';

  constructor(options: MemoryOptions, deps: OutboxDeps) {
    this.#options = options;
    this.#deps = deps;
    const losses = new LossReport(deps.clock, deps.log, deps.observer);
    this.#losses = losses;
    this.#dead = new MemoryEntries({
      bounds: options.deadLetters ?? UNBOUNDED,
      nameOf: ({ sink }) => sink,
      timeOf: ({ at }) => at,
      onDropped: ({ sink }, bound) => losses.note({ what: 'deadLetters', name: sink, bound }, 1),
    });
    this.#quarantine = new MemoryEntries({
      bounds: options.quarantine ?? UNBOUNDED,
      nameOf: ({ source }) => source,
      timeOf: ({ receivedAt }) => receivedAt,
      onDropped: (entry, bound) => {
        this.#weigh(entry.source, -unauthenticatedWeight(entry));
        losses.note({ what: 'quarantine', name: entry.source, bound }, 1);
      },
    });
  }

  async open(sinks: readonly SinkSettings[]): Promise<void> {
    this.#state = 'open';
    await this.configure(sinks);
    this.#deps.log.warn(
      {},
      'outbox.type is memory, which keeps nothing: everything is lost when the process ends',
    );
  }

  async configure(sinks: readonly SinkSettings[]): Promise<readonly string[]> {
    this.#mustBeOpen();
    const limits = limitsOf(sinks, this.#options.maxPending);
    for (const { name, pending } of this.#sinks.values()) {
      if (limits.has(name)) continue;
      this.#sinks.delete(name);
      if (pending === 0) continue;
      const text = `sink ${name} is no longer configured, and its ${pending} pending events are lost: outbox.type is memory`;
      this.#deps.log.warn({ sink: name }, text);
    }
    for (const [name, limit] of limits) {
      const sink = this.#sinks.get(name);
      if (sink === undefined) this.#sinks.set(name, new MemorySink(name, limit));
      else sink.limit = limit;
    }
    this.#watch.configure(sinks.map(({ name }) => name));
    this.#keepLimits();
    return [...this.#sinks.values()].flatMap(({ name, paused }) => (paused ? [name] : []));
  }

  async append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]> {
    this.#mustBeOpen();
    if (signal?.aborted)
      throw new TrackbridgeError(
        'BUDGET_SPENT',
        'The outbox did not answer in time; retry the delivery',
      );
    const { events, quarantined, unauthenticatedLimit = Number.POSITIVE_INFINITY } = delivery;
    const kept = (source: string): number => this.#unauthenticated.get(source) ?? 0;
    if (exceedsUnauthenticated(quarantined, unauthenticatedLimit, kept))
      throw unauthenticatedFull();
    const outcomes = this.#take(events);
    for (const entry of quarantined) {
      this.#quarantine.add((id) => ({ ...entry, id }));
      this.#quarantined += 1;
      this.#weigh(entry.source, unauthenticatedWeight(entry));
    }
    this.#keepLimits();
    return outcomes;
  }

  async requeue(
    events: readonly AcceptedEvent[],
    sinks: readonly string[],
  ): Promise<readonly RequeuedFor[]> {
    this.#mustBeOpen();
    const now = this.#deps.clock.now();
    const requeued = sinks.flatMap((name) => {
      const sink = this.#sinks.get(name);
      if (sink === undefined) return [];
      const fitting = events.slice(0, roomFor(events.length, sink.pending, sink.limit));
      const entries = fitting.map(({ json, orderKey }) => this.#entry(orderKey, json, now));
      for (const entry of entries) sink.push(entry);
      return [{ sink: name, ids: entries.map(({ id }) => id) }];
    });
    this.#keepLimits();
    return requeued;
  }

  consumer(sink: string, lanes: number): Consumer {
    if (this.#consumers.has(sink)) throw new TypeError(`The sink ${sink} already has a consumer`);
    const queue = this.#sinks.get(sink);
    if (queue === undefined) throw new TypeError(`The outbox was not opened for the sink ${sink}`);
    const consumer = new MemoryConsumer(queue, lanes, {
      onSettled: (ids) => this.#watch.settled(sink, ids),
      onDead: (letter) => {
        this.#dead.add((id) => ({ ...letter, id }));
        this.#keepLimits();
      },
      onClose: () => this.#consumers.delete(sink),
    });
    this.#consumers.set(sink, consumer);
    return consumer;
  }

  settled(ids: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#watch.wait(ids, signal);
  }

  async setPaused(sink: string, paused: boolean): Promise<void> {
    this.#sink(sink).paused = paused;
  }

  async purge(sink: string): Promise<number> {
    const purged = this.#sink(sink).purge();
    this.#losses.purged(sink, purged);
    return purged;
  }

  async stats(): Promise<OutboxStats> {
    this.#keepLimits();
    return {
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      quarantined: this.#quarantined,
      inQuarantine: this.#quarantine.size,
      pending: this.#pending(),
      sinks: [...this.#sinks.values()].map((sink) => ({
        ...sink.backlog(),
        deadLetters: this.#dead.count(sink.name),
      })),
      former: [],
    };
  }

  async members(): Promise<readonly []> {
    return [];
  }

  async probe(): Promise<void> {
    this.#mustBeOpen();
    const full = this.#refusing(1);
    if (full.length > 0) throw outboxFull(full);
  }

  readonly deadLetters: DeadLetterStore = {
    list: async (filter) => this.#dead.list(filter).map(withoutOrderKey),
    get: async (id) => {
      const entry = this.#dead.get(id);
      return entry === undefined ? undefined : withoutOrderKey(entry);
    },
    purge: async (ids) => ids.filter((id) => this.#dead.take(id) !== undefined).length,
    requeue: async (ids) => this.#requeueLetters(ids),
  };

  readonly quarantine: QuarantineStore = {
    list: async (filter) => this.#quarantine.list(filter),
    get: async (id) => this.#quarantine.get(id),
    purge: async (ids) => ids.filter((id) => this.#takeQuarantined(id)).length,
    accept: async (id, event) => {
      if (this.#quarantine.get(id) === undefined) {
        throw new TrackbridgeError(
          'NOT_FOUND',
          'The quarantine has no such entry; list the entries',
        );
      }
      const [outcome] = this.#take([event]);
      if (outcome === undefined) throw new TypeError('An accepted entry has no outcome');
      this.#takeQuarantined(id);
      this.#keepLimits();
      return outcome;
    },
  };

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#watch.release();
  }

  #sink(name: string): MemorySink {
    this.#mustBeOpen();
    const sink = this.#sinks.get(name);
    if (sink === undefined) throw unknownSink();
    return sink;
  }

  #take(events: readonly NewEvent[]): Appended[] {
    const now = this.#deps.clock.now();
    this.#forget(now);
    // The whole delivery is checked first: a delivery that does not fit must leave nothing behind.
    const news = new Map<string, Seen>();
    const fresh = events.map((event) => this.#isNew(event, news, now));
    const accepted = fresh.filter(Boolean).length;
    const full = accepted > 0 ? this.#refusing(accepted) : [];
    if (full.length > 0) throw outboxFull(full);
    for (const [key, seen] of news) {
      this.#seen.delete(key);
      this.#seen.set(key, seen);
    }
    this.#accepted += accepted;
    this.#duplicates += events.length - accepted;
    const outcomes = events.map((event, at): Appended => {
      if (fresh[at] !== true) return { outcome: 'duplicate' };
      const entry = this.#entry(event.orderKey, event.json, event.receivedAt);
      for (const sink of this.#sinks.values()) sink.push(entry);
      return { outcome: 'accepted', id: entry.id };
    });
    return outcomes;
  }

  #isNew(event: NewEvent, news: Map<string, Seen>, now: number): boolean {
    if (event.messageId === undefined) return true;
    const { authenticated } = event;
    const key = JSON.stringify([event.scope, event.messageId]);
    const seen = news.get(key) ?? this.#seen.get(key);
    if (isDuplicate(seen, authenticated, now, this.#options.dedupeWindow)) return false;
    news.set(key, { at: now, authenticated });
    return true;
  }

  #forget(now: number): void {
    for (const [key, seen] of this.#seen) {
      if (now - seen.at < this.#options.dedupeWindow) return;
      this.#seen.delete(key);
    }
  }

  #weigh(source: string, weight: number): void {
    this.#unauthenticated.set(source, (this.#unauthenticated.get(source) ?? 0) + weight);
  }

  #takeQuarantined(id: string): boolean {
    const entry = this.#quarantine.take(id);
    if (entry === undefined) return false;
    this.#weigh(entry.source, -unauthenticatedWeight(entry));
    return true;
  }

  #requeueLetters(ids: readonly string[]): Requeued {
    let requeued = 0;
    const kept = new Map<string, KeptDeadLetters>();
    for (const id of ids) {
      const letter = this.#dead.get(id);
      const sink = letter === undefined ? undefined : this.#sinks.get(letter.sink);
      if (letter === undefined || sink === undefined) continue;
      if (roomFor(1, sink.pending, sink.limit) === 0) {
        const events = (kept.get(sink.name)?.events ?? 0) + 1;
        kept.set(sink.name, { sink: sink.name, why: 'full', events });
        continue;
      }
      this.#dead.take(id);
      sink.push(this.#entry(letter.orderKey, letter.json, this.#deps.clock.now()));
      requeued += 1;
    }
    this.#keepLimits();
    return { requeued, kept: [...kept.values()] };
  }

  /** Returns the sinks that reject `further` more events. */
  #refusing(further: number): string[] {
    return [...this.#sinks.values()]
      .filter(({ limit, pending }) => refuses(pending, further, limit))
      .map(({ name }) => name);
  }

  /** Removes the events above a limit, and reports a backlog that approaches its limit. */
  #keepLimits(): void {
    const now = this.#deps.clock.now();
    for (const sink of this.#sinks.values()) {
      const { limit, name, pending } = sink;
      const level = this.#levels.risenTo(name, pending, limit);
      if (level !== undefined) reportLevel(this.#deps.log, name, pending, level, limit);
      const taken = sink.takeExcess();
      if (limit.full === 'dead-letter') for (const event of taken) this.#bury(sink, event, now);
      const what = limit.full === 'dead-letter' ? 'dead-lettered' : 'discarded';
      this.#losses.note({ what, name }, taken.length);
    }
    this.#dead.keepBounds(now);
    this.#quarantine.keepBounds(now);
    this.#losses.check();
  }

  #bury({ limit, name }: MemorySink, { attempts, json, orderKey }: OpenEvent, at: number): void {
    const all = [...attempts, { at, error: overLimit(limit) }];
    this.#dead.add((id) => ({ id, sink: name, at, attempts: all, orderKey, json }));
  }

  #entry(orderKey: string, json: string, receivedAt: number): MemoryEvent {
    this.#lastId += 1;
    return { id: String(this.#lastId), orderKey, json, receivedAt };
  }

  #pending(): number {
    return Math.max(0, ...[...this.#sinks.values()].map((sink) => sink.pending));
  }

  #mustBeOpen(): void {
    if (this.#state === 'new') throw new TypeError('The outbox is not open');
    if (this.#state === 'closed') {
      throw new TrackbridgeError('DRAINING', 'The outbox is closing; retry later', {
        retryAfter: 5_000,
      });
    }
  }
}

function withoutOrderKey({ orderKey: _, ...letter }: Letter): DeadLetter {
  return letter;
}
