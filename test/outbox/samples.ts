import type { Claimed, Consumer, Fits, Settlement } from '../../src/outbox/feed.js';
import type { NewEvent, NewQuarantined } from '../../src/outbox/intake.js';
import type { SinkSettings } from '../../src/outbox/store.js';

export const NOW = 1_790_000_000_000;

export function newEvent(messageId: string, overrides: Partial<NewEvent> = {}): NewEvent {
  return {
    scope: 'segment',
    messageId,
    authenticated: true,
    orderKey: 'u:ann',
    receivedAt: NOW,
    json: JSON.stringify({ messageId }),
    ...overrides,
  };
}

export function newEvents(count: number, overrides: Partial<NewEvent> = {}, from = 0): NewEvent[] {
  return Array.from({ length: count }, (_, at) => newEvent(`m${from + at}`, overrides));
}

export function newQuarantined(overrides: Partial<NewQuarantined> = {}): NewQuarantined {
  return {
    source: 'segment',
    deliveryId: '01980000-0000-7000-8000-000000000000',
    receivedAt: NOW,
    reason: 'invalid',
    errors: [{ path: '/type', message: 'is missing' }],
    raw: '{"a":1}',
    delivery: '{"vendor":"segment"}',
    ...overrides,
  };
}

/** Sinks that are configured with nothing but a name. */
export function named(...names: readonly string[]): SinkSettings[] {
  return names.map((name) => ({ name }));
}

export function delivery(
  events: readonly NewEvent[],
  quarantined: readonly NewQuarantined[] = [],
): { events: readonly NewEvent[]; quarantined: readonly NewQuarantined[] } {
  return { events, quarantined };
}

/** Claims the next events of a lane, for a test that does not look at their lease. */
export async function claim(
  consumer: Consumer,
  lane: number,
  max: number,
  fits?: Fits,
): Promise<readonly Claimed[]> {
  return (await consumer.claim(lane, max, fits)).events;
}

/** Settles events under the lease that their lane has now. */
export async function settle(
  consumer: Consumer,
  settlements: readonly Settlement[],
  lane = 0,
): Promise<void> {
  const { lease } = await consumer.claim(lane, 0);
  await consumer.settle(lease, settlements);
}

/** Everything a lane has to give, without settling it. */
export async function claimAll(consumer: Consumer, lane = 0, max = 100): Promise<Claimed[]> {
  const all: Claimed[] = [];
  for (;;) {
    const claimed = await claim(consumer, lane, max);
    if (claimed.length === 0) return all;
    all.push(...claimed);
  }
}

export function idsOf(claimed: readonly Claimed[]): string[] {
  return claimed.map(({ json }) => String(JSON.parse(json).messageId));
}

export function done(claimed: readonly Claimed[]): { id: string; outcome: 'done' }[] {
  return claimed.map(({ id }) => ({ id, outcome: 'done' }));
}
