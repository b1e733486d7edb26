import { TrackbridgeError } from '../core/errors.js';
import type { FullPolicy, SinkSettings } from './store.js';

/** The maximum size of a sink's backlog, and what happens above it. */
export interface SinkLimit {
  readonly maxPending: number;
  readonly full: FullPolicy;
}

/** Returns the limit of every sink. No sink may hold more than the outbox allows. */
export function limitsOf(
  sinks: readonly SinkSettings[],
  maxPending: number,
): ReadonlyMap<string, SinkLimit> {
  return new Map(
    sinks.map(({ name, full = 'refuse', maxPending: own = maxPending }) => [
      name,
      { full, maxPending: Math.min(own, maxPending) },
    ]),
  );
}

/** Returns whether this backlog rejects a delivery with `further` events. */
export function refuses(pending: number, further: number, limit: SinkLimit): boolean {
  return limit.full === 'refuse' && pending + further > limit.maxPending;
}

/** Returns how many of these events a backlog has room for. */
export function roomFor(events: number, pending: number, limit: SinkLimit): number {
  return Math.min(events, Math.max(0, limit.maxPending - pending));
}

/** Returns how many events a backlog must lose, oldest first; 0 if its policy is to reject deliveries instead. */
export function excessOf(pending: number, limit: SinkLimit): number {
  return limit.full === 'refuse' ? 0 : Math.max(0, pending - limit.maxPending);
}

/** Returns why an event became a dead letter although its sink never rejected it. */
export function overLimit({ maxPending }: SinkLimit): string {
  return `the sink's backlog reached its limit of ${maxPending} pending events`;
}

/** How long a full outbox asks senders to wait, in milliseconds: as long as sinks may need to make room. */
const RETRY_AFTER = 5_000;

/** Returns the error for a delivery that is rejected because the backlogs of these sinks are full. */
export function outboxFull(sinks: readonly string[]): TrackbridgeError {
  const whose = sinks.length === 1 ? `sink ${sinks[0]}` : `sinks ${sinks.join(', ')}`;
  return new TrackbridgeError(
    'OUTBOX_FULL',
    `the backlog of ${whose} is at maxPending; retry later`,
    { retryAfter: RETRY_AFTER },
  );
}
