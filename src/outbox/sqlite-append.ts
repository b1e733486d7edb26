import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { orderHash } from './order-hash.js';
import type { NewEvent, NewQuarantined } from './outbox.js';
import type { Ledger } from './sqlite-ledger.js';
import type { AppendResult, Step } from './sqlite-messages.js';
import type { SeenIds } from './sqlite-seen.js';
import { sumOf } from './sqlite-sum.js';
import { bindable } from './sqlite-text.js';
import { exceedsUnauthenticated, unauthenticatedWeight } from './unauthenticated.js';

/** Writes deliveries into the store, inside a transaction that the caller owns. */
export class Appender {
  readonly #database: DatabaseSyncInstance;
  readonly #ledger: Ledger;
  readonly #seen: SeenIds;
  readonly #maxPending: number;
  readonly #insertEvent: StatementSyncInstance;
  readonly #insertQuarantined: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, ledger: Ledger, seen: SeenIds, maxPending: number) {
    this.#database = database;
    this.#ledger = ledger;
    this.#seen = seen;
    this.#maxPending = maxPending;
    this.#insertEvent = database.prepare(
      'INSERT INTO event (position, lane, received_at, only_sink, order_key, json, sum) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertQuarantined = database.prepare(
      'INSERT INTO quarantine (source, delivery_id, received_at, reason, errors, delivery, raw, sum)' +
        ' VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /** All of a delivery or, at a limit, nothing of it. */
  append(delivery: Omit<Extract<Step, { kind: 'append' }>, 'kind'>, now: number): AppendResult {
    const { events, quarantined } = delivery;
    const ledger = this.#ledger;
    if (quarantined.length > 0 && ledger.inQuarantine + quarantined.length > this.#maxPending) {
      return { refused: 'quarantine-full' };
    }
    if (this.#isOverUnauthenticated(delivery)) return { refused: 'unauthenticated-full' };
    // Only near the limit does it matter how many are duplicates; a savepoint for every delivery would cost too much.
    const tight = ledger.pending() + events.length > this.#maxPending;
    if (tight) this.#database.exec('SAVEPOINT delivery');
    const { duplicates, tail } = ledger;
    const { mark } = this.#seen;
    const positions = events.map((event) => this.#take(event, now));
    const accepted = events.length - (ledger.duplicates - duplicates);
    if (tight) {
      const refused =
        accepted > 0 &&
        ledger.active().length > 0 &&
        ledger.pending() + accepted > this.#maxPending;
      if (refused) {
        this.#database.exec('ROLLBACK TO delivery');
        ledger.duplicates = duplicates;
        ledger.tail = tail;
        this.#seen.returnTo(mark);
      }
      this.#database.exec('RELEASE delivery');
      if (refused) return { refused: 'full' };
    }
    ledger.accepted += accepted;
    this.#owe(accepted);
    for (const each of quarantined) this.#setAside(each);
    return { positions };
  }

  #isOverUnauthenticated({
    quarantined,
    unauthenticatedLimit,
  }: Omit<Extract<Step, { kind: 'append' }>, 'kind'>): boolean {
    if (unauthenticatedLimit === undefined) return false;
    return exceedsUnauthenticated(quarantined, unauthenticatedLimit, (source) =>
      this.#ledger.unauthenticated(source),
    );
  }

  /** Makes an event pending again for one sink. `now`, not its first arrival, is when it came back. */
  again(orderKey: string, json: string, sink: number, now: number): number {
    return this.#insert(orderKey, json, now, sink);
  }

  #take(event: NewEvent, now: number): number | null {
    if (this.#seen.take(event, now)) {
      this.#ledger.duplicates += 1;
      return null;
    }
    return this.#insert(event.orderKey, event.json, event.receivedAt, null);
  }

  #insert(orderKey: string, json: string, receivedAt: number, onlySink: number | null): number {
    this.#ledger.tail += 1;
    this.#insertEvent.run(
      this.#ledger.tail,
      orderHash(orderKey),
      receivedAt,
      onlySink,
      bindable(orderKey),
      json,
      sumOf(orderKey, json),
    );
    return this.#ledger.tail;
  }

  /** Also counts for sinks that are not configured now: should they come back, they go on where they stopped. */
  #owe(events: number): void {
    if (events === 0) return;
    for (const sink of this.#ledger.all()) {
      sink.pending += events;
      sink.changed = true;
    }
  }

  #setAside(entry: NewQuarantined): void {
    this.#insertQuarantined.run(
      entry.source,
      entry.deliveryId,
      entry.receivedAt,
      entry.reason,
      JSON.stringify(entry.errors),
      entry.delivery,
      entry.raw,
      sumOf(entry.source, entry.delivery, entry.raw),
    );
    this.#ledger.quarantined += 1;
    this.#ledger.inQuarantine += 1;
    this.#ledger.addUnauthenticated(entry.source, unauthenticatedWeight(entry));
  }
}
