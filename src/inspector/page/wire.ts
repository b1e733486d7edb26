/** What the admin API answers with, as the page reads it. */
import type { DeliverySummary, EventRecord } from '../../inspect/record.js';

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
