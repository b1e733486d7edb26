import type { CanonicalEvent } from '../event/event.js';
import { readTimestamp } from '../event/timestamp/timestamp.js';

/** Segment's SDKs write the time of the call into the messageId: `ajs-next-1719000000000-<uuid>`. */
const TIMED_ID = /^(?:ajs|node)-next-(\d{13})-/;

/**
 * Returns the time at which the application made the call, by the clock of its machine, in milliseconds since the epoch.
 * Two SDKs on one machine share that clock, so call times differ by milliseconds where `timestamp` also contains each
 * vendor's latency and retries. RudderStack's Python SDK sends no call time; the gateway then writes the time of
 * reception, and `timestamp` is the best there is.
 */
export function callTimeOf(event: CanonicalEvent): number {
  const [, inId] = TIMED_ID.exec(event.messageId) ?? [];
  if (inId !== undefined) return Number(inId);
  const { originalTimestamp } = event;
  const isUnknown = originalTimestamp === event.receivedAt && event.receipt.vendor !== 'segment';
  const sent =
    typeof originalTimestamp === 'string' && !isUnknown
      ? readTimestamp(originalTimestamp)
      : undefined;
  return sent ?? timestampOf(event);
}

/** Returns `timestamp` in milliseconds since the epoch. */
export function timestampOf(event: CanonicalEvent): number {
  return readTimestamp(event.timestamp) ?? readTimestamp(event.receivedAt) ?? 0;
}
