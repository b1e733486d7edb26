import { TrackbridgeError } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import { formatTimestamp } from '../event/timestamp/timestamp.js';
import type { Quarantined } from '../outbox/entries.js';
import type { NewEvent } from '../outbox/intake.js';
import type { Source } from '../sources/source.js';
import { type Check, type EventFacts, firstObjection, type Incoming } from './checks/check.js';
import { toNewEvent } from './entries.js';

/**
 * Applies the checks of a delivery to a quarantined entry, under the current configuration. Only a replay lets an
 * unauthenticated event in: the operator takes responsibility for it, and its receipt still says that it was not
 * authenticated. Throws EVENT_INVALID if a check objects.
 */
export function checkReplayed(
  source: Source,
  entry: Quarantined,
  checks: readonly Check[],
): NewEvent {
  const facts = factsOf(entry);
  const raw = JSON.parse(entry.raw) as JsonValue;
  const arrival = formatTimestamp(facts.receivedAt);
  const event: Incoming = { source, name: entry.source, raw, facts, arrival };
  const objection = firstObjection(checks, event);
  if (objection === undefined && event.canonical !== undefined) {
    return toNewEvent(source, event.canonical, facts.receivedAt);
  }
  const [first] = objection?.errors ?? [];
  const what = first === undefined ? '' : `: ${first.path || '(event)'} ${first.message}`;
  throw new TrackbridgeError('EVENT_INVALID', `the event is still not valid${what}`);
}

function factsOf({ delivery, reason }: Quarantined): EventFacts {
  const { sent, ...facts } = JSON.parse(delivery) as EventFacts;
  // A replayed event is a delivery of one, whatever its index in the original batch.
  const { position: _, ...alone } = sent ?? {};
  // Older versions stored an event with an unlisted write key of its own as authenticated, like the rest of its batch.
  const uncovered =
    reason === 'unauthenticated' ? { authenticated: false, verifiedBy: 'none' } : {};
  return { ...facts, ...uncovered, sent: alone };
}
