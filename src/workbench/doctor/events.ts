import type { ProbeInput } from './probe.js';

/** The prefix of every messageId of a probe, so that its events can be told from real ones and removed. */
export const MESSAGE_ID_PREFIX = 'trackbridge-doctor-';

/** Returns a track event as the vendors deliver it, recognizable as a test. */
export function testEvent(
  { run, timestamp }: ProbeInput,
  name: string,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    messageId: `${MESSAGE_ID_PREFIX}${run}-${name}`,
    type: 'track',
    event: 'Trackbridge Doctor',
    userId: 'trackbridge-doctor',
    properties: { probe: name, revenue: 39.95, products: [{ sku: 'a', quantity: 1 }] },
    context: { library: { name: 'trackbridge-doctor', version: '1' } },
    integrations: {},
    timestamp,
    originalTimestamp: timestamp,
    sentAt: timestamp,
    receivedAt: timestamp,
    ...more,
  };
}

/** Returns a test event of about this many bytes. */
export function filled(input: ProbeInput, name: string, bytes: number): Record<string, unknown> {
  return testEvent(input, name, { properties: { probe: name, filler: 'b'.repeat(bytes) } });
}

/** Text and numbers that a parser and another serializer do not reproduce exactly. */
export const DELICATE = {
  text: 'Zoë 東京 <b>&amp;</b> / \u2028 😀',
  large: 1e21,
  small: 1e-7,
  whole: 12345678901234567000,
  2: 'b',
  10: 'a',
};
