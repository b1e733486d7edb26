import type { ProbeInput } from './probe.js';

/** What every messageId of a probe begins with, so that its events can be told from real ones and removed. */
export const MESSAGE_ID_PREFIX = 'trackbridge-doctor-';

/** A track event as the vendors deliver it, recognisable as a test. */
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

/** Text and numbers that a parser and another serialiser do not give back as they were. */
export const DELICATE = {
  text: 'Zoë 東京 <b>&amp;</b> / \u2028 😀',
  large: 1e21,
  small: 1e-7,
  whole: 12345678901234567000,
  2: 'b',
  10: 'a',
};
