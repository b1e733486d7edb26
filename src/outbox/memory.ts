import { randomUUID } from 'node:crypto';
import { TrackbridgeError } from '../errors.js';
import { isDuplicate, type Seen } from './duplicate.js';
import { MemoryConsumer } from './memory-consumer.js';
import { MemoryShelf } from './memory-shelf.js';
import { type MemoryEvent, MemorySink } from './memory-sink.js';
import type {
  Appended,
  Consumer,
  DeadLetter,
  NewDelivery,
  NewEvent,
  Outbox,
  OutboxStats,
  Quarantined,
} from './outbox.js';
import type { OutboxDeps } from './sqlite.js';
import {
  exceedsUnauthenticated,
  unauthenticatedFull,
  unauthenticatedWeight,
} from './unauthenticated.js';

export interface MemoryOptions {
  /** Milliseconds. */
  readonly dedupeWindow: number;
  readonly maxPending: number;
}

/** An outbox for trying things out and for tests: quick, and gone with the process. */
export class MemoryOutbox implements Outbox {
  readonly id = randomUUID();
  readonly #options: MemoryOptions;
  readonly #deps: OutboxDeps;
  readonly #sinks = new Map<string, MemorySink>();
  readonly #consumers = new Map<string, Consumer>();
  readonly #dead = new MemoryShelf<DeadLetter & { orderKey: string }>((entry) => entry.sink);
  readonly #quarantine = new MemoryShelf<Quarantined>((entry) => entry.source);
  /** By source, the weight of what is in quarantine unauthenticated. */
  readonly #unauthenticated = new Map<string, number>();
  /** Oldest first, so that what is over the window can be dropped from the front. */
  readonly #seen = new Map<string, Seen>();
  #lastId = 0;
  #accepted = 0;
  #duplicates = 0;
  #quarantined = 0;
  #state: 'new' | 'open' | 'closed' = 'new';

  constructor(options: MemoryOptions, deps: OutboxDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async open(sinks: readonly string[]): Promise<void> {
    this.#state = 'open';
    for (const name of sinks) this.#sinks.set(name, new MemorySink(name));
    this.#deps.log.warn(
      {},
      'outbox.type is memory, which keeps nothing: everything is lost when the process ends',
    );
  }

  async append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]> {
    this.#mustBeOpen();
    if (signal?.aborted)
      throw new TrackbridgeError('BUDGET_SPENT', 'It took too long; send it again');
    const { events, quarantined, unauthenticatedLimit = Number.POSITIVE_INFINITY } = delivery;
    const { maxPending } = this.#options;
    if (quarantined.length > 0 && this.#quarantine.size + quarantined.length > maxPending) {
      throw full(
        'The quarantine holds as many events as outbox.maxPending allows; purge or replay some',
      );
    }
    const kept = (source: string): number => this.#unauthenticated.get(source) ?? 0;
    if (exceedsUnauthenticated(quarantined, unauthenticatedLimit, kept))
      throw unauthenticatedFull();
    const outcomes = this.#take(events);
    for (const entry of quarantined) {
      this.#quarantine.add((id) => ({ ...entry, id }));
      this.#quarantined += 1;
      this.#weigh(entry.source, unauthenticatedWeight(entry));
    }
    return outcomes;
  }

  async again(
    events: readonly Pick<NewEvent, 'orderKey' | 'json'>[],
    sinks: readonly string[],
  ): Promise<readonly string[]> {
    this.#mustBeOpen();
    const wanted = sinks.flatMap((name) => this.#sinks.get(name) ?? []);
    if (wanted.some((sink) => sink.pending + events.length > this.#options.maxPending)) {
      throw overfull();
    }
    const now = this.#deps.clock.now();
    return wanted.flatMap((sink) =>
      events.map(({ json, orderKey }) => {
        const entry = this.#entry(orderKey, json, now);
        sink.push(entry);
        return entry.id;
      }),
    );
  }

  consumer(sink: string, lanes: number): Consumer {
    if (this.#consumers.has(sink)) throw new TypeError(`The sink ${sink} has a consumer already`);
    const queue = this.#sinks.get(sink);
    if (queue === undefined) throw new TypeError(`The outbox was not opened for the sink ${sink}`);
    const consumer = new MemoryConsumer(queue, lanes, {
      onDead: (letter) => this.#dead.add((id) => ({ ...letter, id })),
      onClose: () => this.#consumers.delete(sink),
    });
    this.#consumers.set(sink, consumer);
    return consumer;
  }

  async stats(): Promise<OutboxStats> {
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
    };
  }

  async probe(): Promise<void> {
    this.#mustBeOpen();
    if (this.#sinks.size > 0 && this.#pending() >= this.#options.maxPending) throw overfull();
  }

  readonly deadLetters: Outbox['deadLetters'] = {
    list: async (filter) => this.#dead.list(filter).map(withoutOrderKey),
    get: async (id) => {
      const entry = this.#dead.get(id);
      return entry === undefined ? undefined : withoutOrderKey(entry);
    },
    purge: async (ids) => this.#dead.purge(ids),
    replay: async (ids) => ids.filter((id) => this.#replay(id)).length,
  };

  readonly quarantine: Outbox['quarantine'] = {
    list: async (filter) => this.#quarantine.list(filter),
    get: async (id) => this.#quarantine.get(id),
    purge: async (ids) => ids.filter((id) => this.#takeQuarantined(id)).length,
    accept: async (id, event) => {
      if (this.#quarantine.get(id) === undefined) {
        throw new TrackbridgeError(
          'NOT_FOUND',
          'There is no such entry in quarantine; list what there is',
        );
      }
      const [outcome] = this.#take([event]);
      if (outcome === undefined) throw new TypeError('An accepted entry has no outcome');
      this.#takeQuarantined(id);
      return outcome;
    },
  };

  async close(): Promise<void> {
    this.#state = 'closed';
  }

  #take(events: readonly NewEvent[]): Appended[] {
    const now = this.#deps.clock.now();
    this.#forget(now);
    // First looked at as a whole: a delivery that does not fit leaves nothing behind.
    const news = new Map<string, Seen>();
    const fresh = events.map((event) => this.#isNew(event, news, now));
    const accepted = fresh.filter(Boolean).length;
    if (
      accepted > 0 &&
      this.#sinks.size > 0 &&
      this.#pending() + accepted > this.#options.maxPending
    ) {
      throw overfull();
    }
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
    const entry = this.#quarantine.get(id);
    if (entry === undefined) return false;
    this.#weigh(entry.source, -unauthenticatedWeight(entry));
    return this.#quarantine.purge([id]) === 1;
  }

  #replay(id: string): boolean {
    const letter = this.#dead.get(id);
    const sink = letter === undefined ? undefined : this.#sinks.get(letter.sink);
    if (letter === undefined || sink === undefined) return false;
    this.#dead.purge([id]);
    sink.push(this.#entry(letter.orderKey, letter.json, this.#deps.clock.now()));
    return true;
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
      throw new TrackbridgeError('DRAINING', 'The outbox is closing; send it again later', {
        retryAfter: 5_000,
      });
    }
  }
}

function withoutOrderKey({
  orderKey: _,
  ...letter
}: DeadLetter & { orderKey: string }): DeadLetter {
  return letter;
}

function overfull(): TrackbridgeError {
  return full('The outbox holds as many events as outbox.maxPending allows; send it again later');
}

function full(message: string): TrackbridgeError {
  return new TrackbridgeError('OUTBOX_FULL', message, { retryAfter: 5_000 });
}
