import type { Part } from './entry.js';
import type { Judgement } from './judge.js';
import type { ObservedEvent } from './ports.js';

/** What one attempt at a batch meant for each of its events: an observer sees what is settled, and what comes again. */
export function observedOf(
  batch: readonly Part[],
  { error = '', settlements, again }: Judgement,
): ObservedEvent[] {
  const observed = settlements.map((settlement): ObservedEvent => {
    if (settlement.outcome === 'done') return { id: settlement.id, outcome: 'delivered' };
    const outcome = settlement.outcome === 'retry' ? 'transient' : 'permanent';
    return { id: settlement.id, outcome, error: settlement.attempt.error };
  });
  // A batch that failed for good is halved, and nothing is settled: which event is the cause is not known yet.
  if (settlements.length > 0 || again.length < 2) return observed;
  const ids = new Set(batch.map(({ entry }) => entry.id));
  return [...ids].map((id) => ({
    id,
    outcome: 'transient',
    error: `${error} (a batch of ${batch.length}; its halves are tried alone)`,
  }));
}
