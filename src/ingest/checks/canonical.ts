import type { Canonicalizer, DeliveryFacts } from '../../event/canonicalizer.js';
import type { Source } from '../../sources/source.js';
import type { OnUnreadable } from '../unreadable-timestamps.js';
import { type Check, type Incoming, quarantineIf } from './check.js';

/** Checks whether the event has a valid canonical form. Later checks read that form. */
export function canonical(
  canonicalize: Canonicalizer,
  uuid: () => string,
  onUnreadable: OnUnreadable,
): Check {
  return {
    name: 'canonical',
    apply(event) {
      const result = canonicalize(event.raw, deliveryFacts(event, uuid));
      if (!result.ok) return quarantineIf(result.errors);
      event.canonical = result;
      const { unreadable } = result.event.receipt;
      if (unreadable !== undefined) onUnreadable(event, unreadable);
      return undefined;
    },
  };
}

/**
 * Returns the scope in which the messageIds of a source's events are unique. `name` is the source that they count for.
 */
export function scopeOf(source: Source, name: string): string {
  return source.config.dedupeGroup ?? name;
}

// Fields are assigned one by one: spreading three objects into one takes ten times as long, for every event.
function deliveryFacts(
  { source, name, facts, arrival }: Incoming,
  uuid: () => string,
): DeliveryFacts {
  const { extraTypes, untyped } = source.config;
  return {
    deliveryId: facts.deliveryId,
    source: name,
    vendor: source.vendor,
    method: facts.method,
    receivedAt: facts.receivedAt,
    receivedAtText: arrival,
    authenticated: facts.authenticated,
    verifiedBy: facts.verifiedBy,
    scope: scopeOf(source, name),
    collisions: facts.collisions,
    extraTypes,
    untyped,
    trace: facts.trace,
    uuid,
  };
}
