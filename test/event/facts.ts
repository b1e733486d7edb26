import type { DeliveryFacts } from '../../src/event/canonical.js';
import { formatTimestamp } from '../../src/event/timestamp/timestamp.js';

export const ARRIVAL = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
export const ARRIVAL_TEXT = formatTimestamp(ARRIVAL);
export const MADE_ID = '019b7c5a-0000-7000-8000-000000000001';

/** A delivery by Segment at `ARRIVAL`; ids that have to be made are all `MADE_ID`. */
export function factsOf(changes: Partial<DeliveryFacts> = {}): DeliveryFacts {
  return {
    deliveryId: '019b7c5a-0000-7000-8000-00000000000d',
    source: 'segment',
    vendor: 'segment',
    method: 'POST',
    receivedAt: ARRIVAL,
    authenticated: true,
    verifiedBy: 'segment-signature',
    scope: 'segment',
    extraTypes: [],
    uuid: () => MADE_ID,
    ...changes,
  };
}
