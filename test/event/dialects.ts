import type { JsonObject, JsonValue } from '../../src/core/json.js';
import type { DeliveryFacts } from '../../src/event/canonical.js';
import { createCanonicalizer } from '../../src/event/canonicalizer.js';
import type { CanonicalEvent } from '../../src/event/event.js';
import { fromRudderstack } from '../../src/event/from-rudderstack.js';
import { fromSegment } from '../../src/event/from-segment.js';
import { toRudderstack } from '../../src/event/to-rudderstack.js';
import { toSegment } from '../../src/event/to-segment.js';
import { factsOf } from './facts.js';

const canonicalize = createCanonicalizer();

/** The canonical form of what is valid; throws of what is not. */
export function canonical(raw: JsonValue, changes: Partial<DeliveryFacts> = {}): CanonicalEvent {
  const outcome = canonicalize(raw, factsOf(changes));
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
  return outcome.event;
}

/** As it arrives on the other side of a wire. */
const overTheWire = (message: JsonObject): JsonObject => JSON.parse(JSON.stringify(message));

/** Sent to Segment at `at` (milliseconds) and received by it `delay` later. */
export function throughSegment(event: CanonicalEvent, at: number, delay = 0): CanonicalEvent {
  const receivedAt = at + delay;
  const sentAt = new Date(at).toISOString();
  const raw = fromSegment({ ...overTheWire(toSegment(event)), sentAt }, { receivedAt });
  return canonical(raw, { receivedAt, vendor: 'segment' });
}

/** Sent to RudderStack and received by it at `at` (milliseconds). */
export function throughRudderstack(event: CanonicalEvent, at: number): CanonicalEvent {
  const raw = fromRudderstack(overTheWire(toRudderstack(event)), { receivedAt: at });
  return canonical(raw, { receivedAt: at, vendor: 'rudderstack' });
}
