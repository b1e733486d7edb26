import type { TrackbridgeError, Violation } from '../../core/errors.js';
import type { JsonObject, JsonValue } from '../../core/json.js';
import { batchOf } from '../../decode/batch.js';
import type { Vendor } from '../../event/event.js';
import type { Answers, Delivery, SentAs } from '../source.js';
import type { TrackingRoute } from './route.js';

/** One event of a tracking API's delivery, as sent. */
export interface Message {
  readonly value: JsonValue;
  /** The write key inside the event. */
  readonly writeKey?: string;
  readonly sent?: SentAs;
}

export type EventsRoute = Extract<
  TrackingRoute,
  { kind: 'event' | 'batch' | 'import' | 'beacon' | 'root' }
>;

/** Whether a body on this route is a batch. */
export function isBatch(body: JsonValue, route: EventsRoute): boolean {
  return route.kind === 'root' ? batchOf(body) !== undefined : route.kind !== 'event';
}

/** The parts of a tracking API that depend on the vendor: its events, its rules and its answers. */
export interface TrackingVendor {
  readonly vendor: Vendor;
  readonly answers: Answers;
  /** Event types that it accepts besides the usual ones. */
  readonly extraTypes: readonly string[];
  /** The error for a delivery without a write key on this route. */
  noKey(route: TrackingRoute): string;
  readonly unknownKey: string;
  /**
   * Whether a delivery without a key in header or query, and with a body that is not JSON, is rejected for its body
   * rather than for its key.
   */
  readonly bodyBeforeKey: boolean;
  /** Whether one rejected event rejects its whole batch. */
  readonly oneRefusesAll: boolean;
  /** Throws if the vendor rejects a body of this size on this route. Called before the body is parsed. */
  checkSize(bytes: number, route: EventsRoute): void;
  /** Returns the events of a body; `text` is the body as sent. Throws if the vendor rejects the whole body. */
  messagesOf(body: JsonValue, route: EventsRoute, text: string): readonly Message[];
  /** Completes an accepted event as the vendor does: times, address, type. */
  receive(message: JsonObject, delivery: Delivery): JsonObject;
  /** Returns the event in the query of a pixel. */
  pixelOf(query: string, type: string, delivery: Delivery): Message;
  /** Violations of the vendor's rules by a received event; such an event is quarantined. */
  violationsOf(event: JsonValue, sent: SentAs): readonly Violation[];
  /** The error for a body that is not JSON. */
  notJson(cause: TrackbridgeError): TrackbridgeError;
}
