import type { DeliverySummary } from '../data/wire.js';
import { deliveryBadge } from '../parts/badges.js';

/** The filters of the list; '' matches everything. */
export interface Filters {
  readonly source: string;
  /** One of the outcomes, or `refused`: whatever was not answered 200. */
  readonly outcome: string;
  readonly type: string;
  readonly text: string;
}

export const NO_FILTERS: Filters = { source: '', outcome: '', type: '', text: '' };

const REFUSED = 'refused';

/** Whether any filter is set. */
export function isFiltering(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== '');
}

/**
 * Returns the deliveries that match, in order. The text is searched for in everything that the list shows, ignoring
 * case.
 */
export function filtered(
  deliveries: readonly DeliverySummary[],
  filters: Filters,
): readonly DeliverySummary[] {
  if (!isFiltering(filters)) return deliveries;
  const words = filters.text.toLowerCase().split(/\s+/).filter(Boolean);
  return deliveries.filter(
    (delivery) =>
      (filters.source === '' || delivery.source === filters.source) &&
      (filters.outcome === '' || outcomesOf(delivery).includes(filters.outcome)) &&
      (filters.type === '' || delivery.first?.type === filters.type) &&
      (words.length === 0 || holdsAll(textOf(delivery), words)),
  );
}

/** Returns all outcomes of a delivery; a batch can be both accepted and quarantined. */
function outcomesOf(delivery: DeliverySummary): string[] {
  const isRefused = delivery.status < 200 || delivery.status > 299;
  if (isRefused) return [delivery.outcome, REFUSED];
  const parts = [
    delivery.accepted > 0 ? ['accepted'] : [],
    delivery.duplicates > 0 ? ['duplicate'] : [],
    delivery.quarantined > 0 ? ['quarantined'] : [],
    delivery.looped > 0 ? ['looped'] : [],
  ].flat();
  return parts.length > 0 ? parts : [delivery.outcome];
}

/** Returns the choices of each filter, sorted. */
export function choicesIn(deliveries: readonly DeliverySummary[]): {
  readonly sources: string[];
  readonly outcomes: string[];
  readonly types: string[];
} {
  const sources = new Set<string>();
  const outcomes = new Set<string>();
  const types = new Set<string>();
  for (const delivery of deliveries) {
    // A delivery to an unknown path has no source, and '' would match everything.
    if (delivery.source !== '') sources.add(delivery.source);
    for (const outcome of outcomesOf(delivery)) outcomes.add(outcome);
    if (delivery.first?.type !== undefined) types.add(delivery.first.type);
  }
  return {
    sources: [...sources].sort(),
    outcomes: [...outcomes].sort(),
    types: [...types].sort(),
  };
}

function textOf(delivery: DeliverySummary): string {
  const { first } = delivery;
  return [
    delivery.id,
    delivery.method,
    delivery.path,
    delivery.source,
    String(delivery.status),
    deliveryBadge(delivery).label,
    delivery.code,
    delivery.detail,
    delivery.reason,
    first?.type,
    first?.event,
    first?.user,
    first?.messageId,
  ]
    .join('\n')
    .toLowerCase();
}

function holdsAll(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}
