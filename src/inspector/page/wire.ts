/** What the admin API answers with, as the page reads it. */
import type { DeliverySummary, EventRecord, LiveStats } from '../../inspect/record.js';

export type {
  AttemptRecord,
  DeliveryRecord,
  DeliverySummary,
  EventRecord,
  HeaderLine,
  LiveEvents,
  LiveStats,
} from '../../inspect/record.js';

export type JsonValue = EventRecord['decoded'];
export interface JsonObject {
  [key: string]: JsonValue;
}

export interface Violation {
  /** A JSON pointer. */
  readonly path: string;
  readonly message: string;
}

/** How far a sink has come with the events of a delivery. */
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
  /** Since the last one that was authenticated. */
  readonly refused: number;
}

export type SinkTotals = LiveStats['sinks'][number] & {
  readonly lastError?: string;
  readonly failuresInARow?: number;
  readonly nextProbeInMs?: number;
};

/** An entry of `GET /api/dead-letters`; one by its id also has what is optional here. */
export interface DeadLetter {
  readonly id: string;
  readonly sink: string;
  readonly at: string;
  readonly messageId: string | null;
  readonly type: string | null;
  readonly attemptCount: number;
  readonly error: string | null;
  readonly event?: JsonObject;
  readonly attempts?: readonly { readonly at: string; readonly error: string }[];
}

/** An entry of `GET /api/quarantine`; one by its id also has what is optional here. */
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
