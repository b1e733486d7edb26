import { expect } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';

export const VENDORS = ['segment', 'rudderstack'] as const;
export type VendorName = (typeof VENDORS)[number];

const ANY_TIME: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** What the receiver adds to every event, and the times, which `expectTimes` checks. */
export function added(source: string, dialect: VendorName): object {
  return {
    // RudderStack's gateway writes down where a request came from.
    ...(dialect === 'rudderstack' && { request_ip: '127.0.0.1' }),
    timestamp: ANY_TIME,
    originalTimestamp: ANY_TIME,
    sentAt: ANY_TIME,
    receivedAt: ANY_TIME,
    receipt: {
      deliveryId: expect.any(String),
      source,
      vendor: dialect,
      method: 'POST',
      receivedAt: ANY_TIME,
      authenticated: true,
      verifiedBy: 'write-key',
      dedupeKey: expect.stringContaining(`${source}:`),
    },
  };
}

/** A context with what the gateway adds to it. */
export function contextOf(context: object, dialect: VendorName): object {
  return { ...(dialect === 'rudderstack' && { ip: '127.0.0.1' }), ...context };
}

/**
 * Holds the times of an event to its dialect. `said` is when it happened by the sender's clock, where the sender says
 * so in `timestamp`: Segment takes that clock to be wrong by the time under way, RudderStack takes it as it is.
 */
export function expectTimes(event: JsonObject, dialect: VendorName, said?: string): void {
  const ms = (field: string): number => Date.parse(String(event[field]));
  if (dialect === 'segment') {
    expect(ms('timestamp')).toBe(ms('originalTimestamp') + ms('receivedAt') - ms('sentAt'));
    if (said !== undefined) expect(event['originalTimestamp']).toBe(said);
  } else if (said !== undefined) {
    expect(event['timestamp']).toBe(said);
  }
  expect(Math.abs(ms('sentAt') - Date.now())).toBeLessThan(60_000);
}
