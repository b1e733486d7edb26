import type { Violation } from '../core/errors.js';

/** The port through which accepted events enter the store. Every receiver appends to the same store. */
export interface Intake {
  /**
   * Resolves once the whole delivery is durable, with one outcome per event in their order. The write is atomic: a
   * rejection means that nothing was written, or (once the write was in progress) that the result is unknown.
   *
   * Rejects with OUTBOX_FULL if a sink that rejects deliveries is at its limit of pending events, QUARANTINE_FULL at
   * the delivery's own limit, OUTBOX_UNAVAILABLE if the store fails. An abort of `signal` withdraws a delivery that
   * still waits for its turn. A write in progress continues, and the sender's retry is then a duplicate.
   */
  append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]>;

  /**
   * Makes accepted events pending again for each of these sinks, at the end of its backlog, whatever their earlier
   * outcome there. Each sink gets the first events, as many as it has room for. They are not counted as accepted again,
   * and are never duplicates. Resolves to the ids for each sink, in the events' order.
   */
  requeue(
    events: readonly AcceptedEvent[],
    sinks: readonly string[],
  ): Promise<readonly RequeuedFor[]>;

  /**
   * Checks whether a write would be accepted now. Resolves, or rejects with the obstacle, within two seconds even if
   * the store hangs. Writes nothing of note.
   */
  probe(): Promise<void>;
}

export interface NewDelivery {
  readonly events: readonly NewEvent[];
  readonly quarantined: readonly NewQuarantined[];
  /**
   * The maximum weight of the entries with the reason `unauthenticated` in quarantine for their source, these included.
   * Large entries count as several (`unauthenticatedWeight`). If absent, there is no such limit.
   */
  readonly unauthenticatedLimit?: number;
}

export interface NewEvent {
  /** The scope in which a messageId is unique: the source's name, or its `dedupeGroup`. */
  readonly scope: string;
  /** Absent if the receiver generated the id: such an event is never a duplicate. */
  readonly messageId?: string | undefined;
  /** An unauthenticated event never makes a later authenticated one a duplicate. */
  readonly authenticated: boolean;
  /** Events with the same key keep their order within a sink. */
  readonly orderKey: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The canonical event as JSON text. */
  readonly json: string;
}

/** An event that was accepted before. */
export type AcceptedEvent = Pick<NewEvent, 'orderKey' | 'json'>;

export interface NewQuarantined {
  readonly source: string;
  readonly deliveryId: string;
  readonly receivedAt: number;
  /** A short reason: `invalid`, `unauthenticated`. */
  readonly reason: string;
  readonly errors: readonly Violation[];
  /** JSON text of the event as decoded, and of the delivery facts that its canonical form needs. */
  readonly raw: string;
  readonly delivery: string;
}

/** `id` identifies the accepted event to consumers of this store. */
export type Appended =
  | { readonly outcome: 'accepted'; readonly id: string }
  | { readonly outcome: 'duplicate' };

/** The requeued events of one sink. */
export interface RequeuedFor {
  readonly sink: string;
  /** The ids of the first events, in their order. */
  readonly ids: readonly string[];
}
