import { TrackbridgeError } from '../../../core/errors.js';
import type { Appended, NewDelivery, NewEvent } from '../../intake.js';
import { outboxFull } from '../../limits.js';
import { orderHash } from '../../order-hash.js';
import { sizeOf } from '../../send-queue.js';
import { causeOf, type Session } from '../connection/database.js';
import { isConflict, isRefused } from '../connection/failure.js';
import type { Quarantine } from '../entries/quarantine.js';
import type { Shared } from '../shared.js';
import type { WriterKind } from '../totals.js';
import { AppendQueue, type Outcome } from './queue.js';
import { appendEvents } from './statement.js';

/** Two groups at once: one is read and checked by the server while the other waits for its disk. */
const QUEUES: readonly WriterKind[] = ['first', 'second'];

/** How often a statement is tried again that another transaction was in the way of, or that met a new generation. */
const TRIES = 5;

/** Appends deliveries, in groups. */
export class Appender {
  readonly #shared: Shared;
  readonly #quarantine: Quarantine;
  readonly #queues: readonly AppendQueue[];

  constructor(shared: Shared, quarantine: Quarantine) {
    this.#shared = shared;
    this.#quarantine = quarantine;
    this.#queues = QUEUES.map(
      (kind) => new AppendQueue((deliveries) => this.#write(deliveries, kind)),
    );
  }

  append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]> {
    // The events of a user keep the order of their arrival: they meet in one queue.
    const key = delivery.events[0]?.orderKey ?? '';
    const queue = this.#queues[orderHash(key) % this.#queues.length];
    if (queue === undefined) throw new TypeError('There is no queue');
    return queue.submit(delivery, sizeOf(delivery), signal);
  }

  /** Resolves when nothing waits or is in progress. */
  async idle(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.idle()));
  }

  /** Appends events inside a transaction of the caller, which has to begin with it. Returns a position for each. */
  async appendIn(
    session: Session,
    events: readonly NewEvent[],
    kind: WriterKind,
  ): Promise<readonly (number | null)[]> {
    const { database, membership, options, partitions, schema, totals } = this.#shared;
    for (let tried = 0; tried < TRIES; tried += 1) {
      const positions = await appendEvents(session, events, {
        schema,
        partitions,
        generation: this.#shared.generation,
        dedupeWindow: options.dedupeWindow,
        writer: totals.writer(kind),
        member: membership.id,
      });
      if (positions !== undefined) return positions;
      const [store] = await database.run(`SELECT generation FROM ${schema}.store`);
      this.#shared.generation = Number(store?.['generation'] ?? 0);
    }
    throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'The known ids of the store change too often');
  }

  async #write(deliveries: readonly NewDelivery[], kind: WriterKind): Promise<readonly Outcome[]> {
    const { backlogs, totals } = this.#shared;
    await totals.ensure();
    const events = deliveries.reduce((sum, each) => sum + each.events.length, 0);
    const isPlain = deliveries.every(({ quarantined }) => quarantined.length === 0);
    if (isPlain && backlogs.refusing(events).length === 0) return this.#writeAll(deliveries, kind);
    const outcomes: Outcome[] = [];
    for (const delivery of deliveries) {
      outcomes.push(
        await this.#writeOne(delivery, kind).catch((error: unknown) => {
          if (error instanceof TrackbridgeError) return error;
          throw error;
        }),
      );
    }
    return outcomes;
  }

  async #writeAll(
    deliveries: readonly NewDelivery[],
    kind: WriterKind,
  ): Promise<readonly Outcome[]> {
    const events = deliveries.flatMap((each) => each.events);
    if (events.length === 0) return deliveries.map(() => []);
    const positions = await this.#attempt(() =>
      this.#shared.database.use((session) => this.appendIn(session, events, kind)),
    );
    await this.#count(positions, 0);
    let next = 0;
    return deliveries.map((delivery) => {
      const own = positions.slice(next, next + delivery.events.length);
      next += delivery.events.length;
      return own.map(appendedOf);
    });
  }

  /** A delivery that a limit may refuse, or that has something for the quarantine. */
  async #writeOne(delivery: NewDelivery, kind: WriterKind): Promise<readonly Appended[]> {
    const { events, quarantined, unauthenticatedLimit } = delivery;
    const { backlogs, database } = this.#shared;
    const { positions, drops } = await this.#attempt(() =>
      database.transact(async (session) => {
        const positions = events.length === 0 ? [] : await this.appendIn(session, events, kind);
        const accepted = positions.filter((position) => position !== null).length;
        const full = accepted === 0 ? [] : backlogs.refusing(accepted);
        if (full.length > 0) throw outboxFull(full);
        const drops = await this.#quarantine.add(session, quarantined, unauthenticatedLimit);
        return { positions, drops };
      }),
    );
    this.#quarantine.report(drops);
    await this.#count(positions, quarantined.length);
    return positions.map(appendedOf);
  }

  /** Repeats what another transaction was in the way of. Without an answer, the outcome is unknown. */
  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await work();
      } catch (error) {
        const cause = causeOf(error);
        if (isConflict(cause) && tried < TRIES) continue;
        if (cause !== undefined && cause !== error && !isRefused(cause))
          this.#shared.totals.renew();
        throw error;
      }
    }
  }

  async #count(positions: readonly (number | null)[], quarantined: number): Promise<void> {
    const { backlogs, onWritten, relieve, totals } = this.#shared;
    let tail = 0;
    let accepted = 0;
    for (const position of positions) {
      if (position === null) continue;
      accepted += 1;
      tail = Math.max(tail, position);
    }
    totals.accepted(accepted, positions.length - accepted, quarantined);
    if (accepted === 0) return;
    backlogs.report();
    onWritten(tail);
    if (backlogs.isOver) await relieve();
  }
}

export function appendedOf(position: number | null): Appended {
  return position === null
    ? { outcome: 'duplicate' }
    : { outcome: 'accepted', id: String(position) };
}
