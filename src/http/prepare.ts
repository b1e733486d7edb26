import type { Violation } from '../errors.js';
import type { Canonicalizer, DeliveryFacts } from '../event/canonicalizer.js';
import { maskWriteKey } from '../event/context.js';
import { type CanonicalEvent, type JsonValue, orderKeyOf } from '../event/event.js';
import { hasHop } from '../event/hops.js';
import { formatTimestamp } from '../event/timestamp.js';
import type { EventNote } from '../inspect/tape.js';
import type { NewEvent, NewQuarantined } from '../outbox/outbox.js';
import type { Decoded, Delivery, RawEvent, Source } from '../sources/source.js';
import type { Coverage } from '../verify/combine.js';

/** A delivery made ready for the outbox. */
export interface Prepared {
  /** One status stands for a whole batch. */
  readonly batch: boolean;
  readonly unauthenticatedLimit: number;
  readonly events: readonly NewEvent[];
  readonly quarantined: readonly NewQuarantined[];
  /** What is wrong with those in quarantine; paths begin with the event's place in the delivery. */
  readonly violations: readonly Violation[];
  /** Items of a batch that nothing authenticates and that are not kept. */
  readonly unauthenticated: number;
  /** Events that this receiver has sent on itself and that came back: not kept, since they would go around for ever. */
  readonly looped: number;
}

/** What a quarantined entry remembers of its delivery, so that its replay gives the receipt it would have had. */
export interface QuarantinedFacts {
  readonly deliveryId: string;
  readonly method: string;
  readonly receivedAt: number;
  readonly authenticated: boolean;
  readonly verifiedBy: string;
  readonly collisions?: readonly string[] | undefined;
}

/** Told of every event in turn, where somebody records the delivery. */
export type OnEvent = (note: EventNote) => void;

/** Makes every event of a delivery canonical; what is not valid is set aside with the reason. */
export function prepare(
  source: Source,
  delivery: Delivery,
  decoded: Decoded,
  coverage: (index: number) => Coverage,
  canonicalize: Canonicalizer,
  uuid: () => string,
  bridgeId: string,
  onEvent?: OnEvent,
): Prepared {
  const arrival = formatTimestamp(delivery.receivedAt);
  const events: NewEvent[] = [];
  const quarantined: NewQuarantined[] = [];
  const violations: Violation[] = [];
  let unauthenticated = 0;
  let looped = 0;
  const setAside = (
    index: number,
    facts: QuarantinedFacts,
    reason: string,
    errors: readonly Violation[],
  ): void => {
    const { source: name = source.name, value } = decoded.events[index] as RawEvent;
    quarantined.push(toQuarantined(name, facts, value, reason, errors));
    for (const { path, message } of errors) {
      violations.push({ path: decoded.batch ? `/${index}${path}` : path, message });
    }
    onEvent?.(noteOf(index, 'quarantined', value, facts, { violations: errors }));
  };
  for (const [index, raw] of decoded.events.entries()) {
    const facts = factsOf(delivery, raw, coverage(index));
    if (raw.unauthenticated !== undefined) {
      const errors = [{ path: '', message: raw.unauthenticated }];
      if (source.config.onUnauthenticated === 'reject') {
        unauthenticated++;
        onEvent?.(noteOf(index, 'refused', raw.value, facts, { violations: errors }));
      } else setAside(index, facts, 'unauthenticated', errors);
    } else if (raw.violations !== undefined) {
      setAside(index, facts, 'invalid', raw.violations);
    } else {
      const name = raw.source ?? source.name;
      const outcome = canonicalize(raw.value, toDeliveryFacts(source, name, facts, uuid, arrival));
      if (!outcome.ok) setAside(index, facts, 'invalid', outcome.errors);
      else if (hasHop(outcome.event, bridgeId)) {
        looped++;
        onEvent?.(noteOf(index, 'looped', raw.value, facts, { event: outcome.event }));
      } else {
        const event = toNewEvent(source, outcome.event, outcome.messageIdGenerated);
        events.push(event);
        onEvent?.(
          noteOf(index, 'accepted', raw.value, facts, { event: outcome.event, json: event.json }),
        );
      }
    }
  }
  const { batch } = decoded;
  const { unauthenticatedLimit } = source.config;
  return { batch, unauthenticatedLimit, events, quarantined, violations, unauthenticated, looped };
}

/**
 * Sets a whole delivery aside that nothing authenticates, for `onUnauthenticated: quarantine`. It counts as a batch: it is
 * answered 200, since a 401 would make the sender drop it.
 */
export function prepareUnauthenticated(
  source: Source,
  delivery: Delivery,
  decoded: Decoded,
  reason: string,
  onEvent?: OnEvent,
): Prepared {
  const nothing = { authenticated: false, verifiedBy: 'none' };
  const errors = [{ path: '', message: reason }];
  const quarantined = decoded.events.map((raw, index) => {
    const facts = factsOf(delivery, raw, nothing);
    onEvent?.(noteOf(index, 'quarantined', raw.value, facts, { violations: errors }));
    const name = raw.source ?? source.name;
    return toQuarantined(name, facts, raw.value, 'unauthenticated', errors);
  });
  const { unauthenticatedLimit } = source.config;
  const nobody = { events: [], violations: [], unauthenticated: 0, looped: 0 };
  return { batch: true, unauthenticatedLimit, quarantined, ...nobody };
}

/** Tries again what was set aside, under the configuration of now, as an event of the source called `name`. */
export function prepareReplay(
  source: Source,
  name: string,
  raw: JsonValue,
  facts: QuarantinedFacts,
  canonicalize: Canonicalizer,
  uuid: () => string,
): { readonly event: NewEvent } | { readonly errors: readonly Violation[] } {
  const arrival = formatTimestamp(facts.receivedAt);
  const outcome = canonicalize(raw, toDeliveryFacts(source, name, facts, uuid, arrival));
  return outcome.ok
    ? { event: toNewEvent(source, outcome.event, outcome.messageIdGenerated) }
    : { errors: outcome.errors };
}

function noteOf(
  index: number,
  outcome: EventNote['outcome'],
  decoded: JsonValue,
  { authenticated }: QuarantinedFacts,
  became: {
    readonly event?: CanonicalEvent;
    readonly json?: string;
    readonly violations?: readonly Violation[];
  },
): EventNote {
  const { event, json = JSON.stringify(event), violations = [] } = became;
  const canonical = event === undefined ? {} : { canonical: json, messageId: event.messageId };
  return { index, outcome, authenticated, decoded, violations, ...canonical };
}

function factsOf(delivery: Delivery, raw: RawEvent, covered: Coverage): QuarantinedFacts {
  return {
    deliveryId: delivery.id,
    method: delivery.method,
    receivedAt: delivery.receivedAt,
    authenticated: covered.authenticated,
    verifiedBy: covered.verifiedBy,
    collisions: raw.collisions,
  };
}

// Field by field: spreading three objects into one takes ten times as long, for every event.
function toDeliveryFacts(
  source: Source,
  name: string,
  facts: QuarantinedFacts,
  uuid: () => string,
  receivedAtText: string,
): DeliveryFacts {
  const { extraTypes, untyped } = source.config;
  return {
    deliveryId: facts.deliveryId,
    source: name,
    vendor: source.vendor,
    method: facts.method,
    receivedAt: facts.receivedAt,
    receivedAtText,
    authenticated: facts.authenticated,
    verifiedBy: facts.verifiedBy,
    collisions: facts.collisions,
    extraTypes,
    untyped,
    uuid,
  };
}

function toNewEvent(source: Source, event: CanonicalEvent, generated: boolean): NewEvent {
  return {
    scope: source.config.dedupeGroup ?? event.receipt.source,
    ...(generated ? {} : { messageId: event.messageId }),
    authenticated: event.receipt.authenticated,
    orderKey: orderKeyOf(event),
    receivedAt: Date.parse(event.receipt.receivedAt),
    json: JSON.stringify(event),
  };
}

function toQuarantined(
  source: string,
  facts: QuarantinedFacts,
  raw: JsonValue,
  reason: string,
  errors: readonly Violation[],
): NewQuarantined {
  return {
    source,
    deliveryId: facts.deliveryId,
    receivedAt: facts.receivedAt,
    reason,
    errors,
    raw: JSON.stringify(raw, maskWriteKeys),
    delivery: JSON.stringify(facts),
  };
}

/**
 * A write key is a credential: it is not kept, also not with what could not be accepted, wherever it stands in it. A
 * recorded request holds it in its URL as well.
 */
function maskWriteKeys(key: string, value: JsonValue): JsonValue | undefined {
  if (key === 'writeKey') return undefined;
  return typeof value === 'string' && value.includes('writeKey=') ? maskWriteKey(value) : value;
}
