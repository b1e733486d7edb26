import type { TrackbridgeError, Violation } from '../errors.js';
import type { JsonObject, JsonValue, Vendor } from '../event/event.js';
import type { Delivery, Dialect } from './source.js';
import type { TrackingRoute } from './tracking-route.js';

/** One event of a tracking API's request, as it was sent. */
export interface Message {
  readonly value: JsonValue;
  /** The write key it brings itself. */
  readonly writeKey?: string;
  readonly violations?: readonly Violation[];
}

export type EventsRoute = Extract<TrackingRoute, { kind: 'event' | 'batch' | 'import' | 'beacon' }>;

/** What one vendor's tracking API has of its own: which events it takes, by which rules, and how it answers. */
export interface TrackingVendor {
  readonly vendor: Vendor;
  readonly dialect: Dialect;
  /** Event types that it has beyond the usual ones. */
  readonly extraTypes: readonly string[];
  /** What a request without a write key hears; `place` is where the route expects it. */
  noKey(route: TrackingRoute): string;
  readonly unknownKey: string;
  /** Whether a request without a key in header or query is refused for its body first, where that is no JSON. */
  readonly bodyBeforeKey: boolean;
  /** Whether one event that is refused takes its whole batch with it. */
  readonly oneRefusesAll: boolean;
  /** Throws where the vendor refuses a body of these bytes on this route, before it is read. */
  checkSize(bytes: number, route: EventsRoute): void;
  /** The events of a body. Throws where the vendor refuses it whole. */
  messagesOf(body: JsonValue, route: EventsRoute, bytes: number): readonly Message[];
  /** What the vendor makes of an event that it has taken: times, address, type. */
  receive(message: JsonObject, delivery: Delivery): JsonObject;
  /** The event that the query of a pixel carries. */
  pixelOf(query: string, type: string, delivery: Delivery): Message;
  /** A body that is not JSON. */
  notJson(cause: TrackbridgeError): TrackbridgeError;
}
