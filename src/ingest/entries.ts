import type { Violation } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import { maskWriteKey } from '../event/context.js';
import { orderKeyOf } from '../event/event.js';
import type { NewEvent, NewQuarantined } from '../outbox/intake.js';
import type { Source } from '../sources/source.js';
import { scopeOf } from './checks/canonical.js';
import type { EventFacts, Incoming } from './checks/check.js';

/** Returns an accepted event, received at `receivedAt` (milliseconds since the epoch), as the outbox stores it. */
export function toNewEvent(
  source: Source,
  { event, messageIdGenerated }: NonNullable<Incoming['canonical']>,
  receivedAt: number,
): NewEvent {
  return {
    scope: scopeOf(source, event.receipt.source),
    messageId: messageIdGenerated ? undefined : event.messageId,
    authenticated: event.receipt.authenticated,
    orderKey: orderKeyOf(event),
    receivedAt,
    json: JSON.stringify(event),
  };
}

/** Returns an event of the source `source` as the quarantine stores it. */
export function toQuarantined(
  source: string,
  facts: EventFacts,
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
 * Removes the write key from a value. A write key is a credential: it is never stored, not even in a quarantined event,
 * wherever it occurs. A recorded request also holds it in its URL.
 */
function maskWriteKeys(key: string, value: JsonValue): JsonValue | undefined {
  if (key === 'writeKey') return undefined;
  return typeof value === 'string' && value.includes('writeKey=') ? maskWriteKey(value) : value;
}
