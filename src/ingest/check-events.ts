import type { Violation } from '../core/errors.js';
import type { JudgedEvent } from '../core/observe.js';
import type { CanonicalEvent } from '../event/event.js';
import { formatTimestamp } from '../event/timestamp/timestamp.js';
import type { NewEvent, NewQuarantined } from '../outbox/intake.js';
import type { Decoded, Delivery, RawEvent, Source } from '../sources/source.js';
import type { Coverage, Verification } from '../verify/combine.js';
import { type Check, type EventFacts, firstObjection, type Incoming } from './checks/check.js';
import { toNewEvent, toQuarantined } from './entries.js';

/** A delivery whose events are checked: what goes to the outbox, and what is dropped. */
export interface CheckedDelivery {
  /** A batch has one status for all its events. */
  readonly batch: boolean;
  readonly unauthenticatedLimit: number;
  readonly events: readonly NewEvent[];
  readonly quarantined: readonly NewQuarantined[];
  /** The violations of the quarantined events. Paths begin with the event's index in the delivery. */
  readonly violations: readonly Violation[];
  /** The number of unauthenticated items of a batch that are dropped. */
  readonly unauthenticated: number;
  /**
   * The number of events that this receiver had forwarded and that came back. They are dropped, since they would loop
   * forever.
   */
  readonly looped: number;
}

/** Called for every event in order, if somebody observes it. */
type OnJudged = (event: JudgedEvent) => void;

const UNCOVERED: Coverage = { authenticated: false, verifiedBy: 'none' };

/**
 * Applies the checks to every event of a delivery. Each is accepted in canonical form, quarantined with the reason, or
 * dropped. If verification failed, no event is authenticated, and the delivery counts as a batch: it is answered 200,
 * since a 401 would make the sender drop it.
 */
export function checkEvents(
  source: Source,
  delivery: Delivery,
  decoded: Decoded,
  verification: Verification,
  checks: readonly Check[],
  onJudged?: OnJudged,
): CheckedDelivery {
  const { passed } = verification;
  const arrival = formatTimestamp(delivery.receivedAt);
  const events: NewEvent[] = [];
  const quarantined: NewQuarantined[] = [];
  const violations: Violation[] = [];
  const dropped = { unauthenticated: 0, looped: 0 };
  for (const [index, raw] of decoded.events.entries()) {
    const { source: name = source.name, value } = raw;
    // An event with a write key of its own that is not listed is not covered by the authentication of its batch.
    const unauthenticated = passed ? raw.unauthenticated : verification.reason;
    const covered =
      passed && unauthenticated === undefined ? verification.coverage(index) : UNCOVERED;
    const facts = factsOf(delivery, raw, covered);
    const event: Incoming = { source, name, raw: value, facts, arrival, unauthenticated };
    const objection = firstObjection(checks, event);
    const { canonical } = event;
    if (objection === undefined) {
      if (canonical === undefined) throw new TypeError('the checks produced no canonical event');
      const accepted = toNewEvent(source, canonical, facts.receivedAt);
      events.push(accepted);
      onJudged?.(judgedEvent(index, 'accepted', event, [], accepted.json));
    } else if (objection.outcome === 'quarantine') {
      const { errors, reason } = objection;
      quarantined.push(toQuarantined(name, facts, value, reason, errors));
      for (const { path, message } of passed ? errors : []) {
        violations.push({ path: decoded.batch ? `/${index}${path}` : path, message });
      }
      onJudged?.(judgedEvent(index, 'quarantined', event, errors));
    } else {
      dropped[objection.reason] += 1;
      const outcome = objection.reason === 'looped' ? 'looped' : 'refused';
      onJudged?.(judgedEvent(index, outcome, event, objection.errors));
    }
  }
  const batch = decoded.batch || !passed;
  const { unauthenticatedLimit } = source.config;
  return { batch, unauthenticatedLimit, events, quarantined, violations, ...dropped };
}

function judgedEvent(
  index: number,
  outcome: JudgedEvent['outcome'],
  { canonical, facts, raw }: Incoming,
  violations: readonly Violation[],
  json?: string,
): JudgedEvent {
  const { authenticated } = facts;
  const judged = { index, outcome, authenticated, decoded: raw, violations };
  return canonical === undefined ? judged : { ...judged, ...shown(canonical.event, json) };
}

function shown(event: CanonicalEvent, json = JSON.stringify(event)): Partial<JudgedEvent> {
  return { canonical: json, messageId: event.messageId };
}

function factsOf(delivery: Delivery, raw: RawEvent, covered: Coverage): EventFacts {
  return {
    deliveryId: delivery.id,
    method: delivery.method,
    receivedAt: delivery.receivedAt,
    authenticated: covered.authenticated,
    verifiedBy: covered.verifiedBy,
    collisions: raw.collisions,
    sent: raw.sent,
    trace: delivery.trace,
  };
}
