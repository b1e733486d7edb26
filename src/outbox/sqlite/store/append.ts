import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { NewEvent } from '../../intake.js';
import { orderHash } from '../../order-hash.js';
import { exceedsUnauthenticated } from '../../unauthenticated.js';
import { sumOf } from '../health/sum.js';
import type { AppendResult, Step } from '../thread/messages.js';
import type { Counters } from './counters.js';
import type { Quarantine } from './entries/quarantine.js';
import type { SeenIds } from './seen/ids.js';
import { bindable } from './text.js';

/** Writes deliveries into the store, inside a transaction that the caller owns. */
export class Appender {
  readonly #database: DatabaseSyncInstance;
  readonly #counters: Counters;
  readonly #seen: SeenIds;
  readonly #quarantine: Quarantine;
  readonly #insertEvent: StatementSyncInstance;

  constructor(
    database: DatabaseSyncInstance,
    counters: Counters,
    seen: SeenIds,
    quarantine: Quarantine,
  ) {
    this.#database = database;
    this.#counters = counters;
    this.#seen = seen;
    this.#quarantine = quarantine;
    this.#insertEvent = database.prepare(
      'INSERT INTO event (position, lane, received_at, only_sink, order_key, json, sum) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /** Appends the whole delivery or, at a limit, nothing of it. */
  append(delivery: Omit<Extract<Step, { kind: 'append' }>, 'kind'>, now: number): AppendResult {
    const { events, quarantined } = delivery;
    const counters = this.#counters;
    if (this.#isOverUnauthenticated(delivery)) return { refused: 'unauthenticated-full' };
    // The number of duplicates matters only near the limit. A savepoint for every delivery would cost too much.
    const tight = counters.refusing(events.length).length > 0;
    if (tight) this.#database.exec('SAVEPOINT delivery');
    const { duplicates, tail } = counters;
    const { mark } = this.#seen;
    const positions = events.map((event) => this.#take(event, now));
    const accepted = events.length - (counters.duplicates - duplicates);
    if (tight) {
      const sinks = accepted > 0 ? counters.refusing(accepted) : [];
      if (sinks.length > 0) {
        this.#database.exec('ROLLBACK TO delivery');
        counters.duplicates = duplicates;
        counters.tail = tail;
        this.#seen.returnTo(mark);
      }
      this.#database.exec('RELEASE delivery');
      if (sinks.length > 0) return { refused: 'full', sinks };
    }
    counters.accepted += accepted;
    this.#addPending(accepted);
    for (const each of quarantined) this.#quarantine.add(each);
    return { positions };
  }

  #isOverUnauthenticated({
    quarantined,
    unauthenticatedLimit,
  }: Omit<Extract<Step, { kind: 'append' }>, 'kind'>): boolean {
    if (unauthenticatedLimit === undefined) return false;
    return exceedsUnauthenticated(quarantined, unauthenticatedLimit, (source) =>
      this.#counters.unauthenticated(source),
    );
  }

  /** Makes an event pending again for one sink. `now`, not its first arrival, is its new arrival time. */
  requeue(orderKey: string, json: string, sink: number, now: number): number {
    return this.#insert(orderKey, json, now, sink);
  }

  #take(event: NewEvent, now: number): number | null {
    if (this.#seen.take(event, now)) {
      this.#counters.duplicates += 1;
      return null;
    }
    return this.#insert(event.orderKey, event.json, event.receivedAt, null);
  }

  #insert(orderKey: string, json: string, receivedAt: number, onlySink: number | null): number {
    this.#counters.tail += 1;
    this.#insertEvent.run(
      this.#counters.tail,
      orderHash(orderKey),
      receivedAt,
      onlySink,
      bindable(orderKey),
      json,
      sumOf(orderKey, json),
    );
    return this.#counters.tail;
  }

  /** Also counts for sinks that are not configured now: if one is configured again, it continues where it stopped. */
  #addPending(events: number): void {
    if (events === 0) return;
    for (const sink of this.#counters.all()) {
      sink.pending += events;
      sink.changed = true;
    }
  }
}
