import type { AttemptRecord, DeliverySummary, LiveEvents, SinkTally } from './wire.js';

type LiveAttempt = LiveEvents['attempt'];

/** The most deliveries that the page keeps; the oldest are dropped first. */
const KEPT = 5_000;

/**
 * Merges deliveries into the known ones, newest first and each ID once; a newer state replaces the known one.
 */
export function merged(
  known: readonly DeliverySummary[],
  more: readonly DeliverySummary[],
): readonly DeliverySummary[] {
  if (more.length === 0) return known;
  const fresh = new Map(more.map((delivery) => [delivery.id, delivery]));
  const kept: DeliverySummary[] = [];
  for (const delivery of known) {
    kept.push(fresh.get(delivery.id) ?? delivery);
    fresh.delete(delivery.id);
  }
  const added = [...fresh.values()].sort(newestFirst);
  const [newest] = known;
  const oldestAdded = added.at(-1);
  // Nearly always, all of the new ones are newer than the known ones.
  const isAhead = newest === undefined || oldestAdded === undefined || oldestAdded.at >= newest.at;
  const all = [...added, ...kept];
  return (isAhead ? all : all.sort(newestFirst)).slice(0, KEPT);
}

function newestFirst(one: DeliverySummary, other: DeliverySummary): number {
  return one.at < other.at ? 1 : one.at > other.at ? -1 : 0;
}

/** Adds sinks' attempts to the counts of known deliveries; ignores attempts for others. */
export function withAttempts(
  known: readonly DeliverySummary[],
  attempts: readonly LiveAttempt[],
): readonly DeliverySummary[] {
  if (attempts.length === 0) return known;
  const byDelivery = new Map<string, LiveAttempt[]>();
  for (const attempt of attempts) {
    const own = byDelivery.get(attempt.deliveryId);
    if (own === undefined) byDelivery.set(attempt.deliveryId, [attempt]);
    else own.push(attempt);
  }
  return known.map((delivery) => {
    const own = byDelivery.get(delivery.id);
    if (own === undefined) return delivery;
    return { ...delivery, sinks: delivery.sinks.map((sink) => progressed(sink, own)) };
  });
}

/**
 * Moves events between the counts of a sink. The page knows only counts, not which events they contain: if some failed
 * and others have not been attempted, settled events are subtracted from the failed ones.
 */
function progressed(sink: SinkTally, attempts: readonly AttemptRecord[]): SinkTally {
  let { delivered, failed, pending, skipped, dead } = sink;
  for (const attempt of attempts) {
    if (attempt.sink !== sink.sink) continue;
    const fresh = Math.min(attempt.eventIds.length, pending);
    if (attempt.outcome === 'transient') {
      pending -= fresh;
      failed += fresh;
      continue;
    }
    const events = Math.min(attempt.eventIds.length, failed + pending);
    const again = Math.min(events, failed);
    failed -= again;
    pending -= events - again;
    if (attempt.outcome === 'delivered') delivered += events;
    else if (attempt.outcome === 'skipped') skipped += events;
    else dead += events;
  }
  return { sink: sink.sink, delivered, failed, pending, skipped, dead };
}
