/** The responses of the admin API. */
import type { DeliverySummary, EventRecord, LiveStats } from '../../../inspect/record.js';

export type {
  AttemptRecord,
  DeliveryRecord,
  DeliverySummary,
  EventRecord,
  HeaderLine,
  LiveEvents,
  LiveStats,
} from '../../../inspect/record.js';

export type JsonValue = EventRecord['decoded'];
export interface JsonObject {
  [key: string]: JsonValue;
}

export interface Violation {
  /** A JSON pointer. */
  readonly path: string;
  readonly message: string;
}

/** A sink's progress with the events of a delivery. */
export type SinkTally = DeliverySummary['sinks'][number];

/** `GET /api/stats`. */
export interface Totals {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly inQuarantine: number;
  readonly pending: number;
  readonly sources: readonly SourceTotals[];
  readonly sinks: readonly SinkTotals[];
}

export interface SourceTotals {
  readonly name: string;
  readonly authentication: string;
  /** Rejected deliveries since the last authenticated one. */
  readonly refused: number;
}

export type SinkTotals = LiveStats['sinks'][number] & {
  readonly lastError?: string;
  readonly failuresInARow?: number;
  readonly nextProbeInMs?: number;
};

/** An entry of `GET /api/dead-letters`. Only `GET /api/dead-letters/:id` has the optional members. */
export interface DeadLetter {
  readonly id: string;
  readonly sink: string;
  readonly at: string;
  readonly messageId: string | null;
  readonly type: string | null;
  readonly attemptCount: number;
  readonly error: string | null;
  readonly event?: JsonObject;
  readonly attempts?: readonly {
    readonly at: string;
    readonly error: string;
    readonly farSide?: string;
  }[];
}

/** An entry of `GET /api/quarantine`. Only `GET /api/quarantine/:id` has the optional members. */
export interface Quarantined {
  readonly id: string;
  readonly source: string;
  readonly deliveryId: string;
  readonly receivedAt: string;
  readonly reason: string;
  readonly errors: readonly Violation[];
  readonly event?: JsonObject;
  readonly delivery?: JsonObject;
}
