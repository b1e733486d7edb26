import type { Claimed, Consumer, NewEvent, NewQuarantined } from '../../src/outbox/outbox.js';

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

export function delivery(
  events: readonly NewEvent[],
  quarantined: readonly NewQuarantined[] = [],
): { events: readonly NewEvent[]; quarantined: readonly NewQuarantined[] } {
  return { events, quarantined };
}

/** Everything a lane has to give, without settling it. */
export async function claimAll(consumer: Consumer, lane = 0, max = 100): Promise<Claimed[]> {
  const all: Claimed[] = [];
  for (;;) {
    const claimed = await consumer.claim(lane, max);
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
