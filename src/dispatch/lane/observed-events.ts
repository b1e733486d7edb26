import type { ObservedEvent } from '../../core/observe.js';
import type { Settlement } from '../../outbox/feed.js';
import type { Part } from './entry.js';
import type { Judgment } from './judge.js';

/** Returns what one attempt at a batch meant for each of its events: settled, or to be retried. */
export function attemptedEvents(
  batch: readonly Part[],
  { error = '', settlements, retries }: Judgment,
): readonly ObservedEvent[] {
  const observed = settlements.map((settlement): ObservedEvent => {
    if (!('attempt' in settlement)) return { id: settlement.id, outcome: 'delivered' };
    return failed(settlement);
  });
  // A batch that failed permanently is halved and nothing is settled: the event that caused it is not known yet.
  if (settlements.length > 0 || retries.length < 2) return observed;
  const ids = new Set(batch.map(({ entry }) => entry.id));
  return [...ids].map((id) => ({
    id,
    outcome: 'transient',
    error: `${error} (a batch of ${batch.length}; retrying its halves separately)`,
  }));
}

/** Returns what became of an event that was not sent: filtered, or its transform failed. */
export function withheldEvent(settlement: Settlement): ObservedEvent {
  if (!('attempt' in settlement)) return { id: settlement.id, outcome: 'skipped' };
  return failed(settlement);
}

function failed({
  id,
  outcome,
  attempt: { error, farSide },
}: Extract<Settlement, { readonly attempt: unknown }>): ObservedEvent {
  return {
    id,
    outcome: outcome === 'retry' ? 'transient' : 'permanent',
    error,
    ...(farSide !== undefined && { farSide }),
  };
}
