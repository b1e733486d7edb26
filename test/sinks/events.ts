import { systemClock } from '../../src/core/clock.js';
import type { JsonObject } from '../../src/core/json.js';
import { dedupeKeyOf } from '../../src/event/dedupe-key.js';
import type { CanonicalEvent } from '../../src/event/event.js';
import type { SinkContext, SinkEvent } from '../../src/sinks/sink.js';

/** A canonical event on its way to a sink. */
export function sinkEvent(messageId: string, fields: JsonObject = {}): SinkEvent {
  const event: CanonicalEvent = {
    type: 'track',
    messageId,
    userId: 'u-1',
    event: 'Order Completed',
    context: {},
    integrations: {},
    timestamp: '2026-01-02T03:04:05.000Z',
    receivedAt: '2026-01-02T03:04:06.000Z',
    receipt: {
      deliveryId: '019b7e6a-0000-7000-8000-000000000000',
      source: 'segment',
      vendor: 'segment',
      method: 'POST',
      receivedAt: '2026-01-02T03:04:06.789Z',
      authenticated: true,
      verifiedBy: 'segment-signature',
      dedupeKey: `segment:${messageId}`,
    },
    ...fields,
  };
  return { messageId, dedupeKey: dedupeKeyOf(event), event, json: JSON.stringify(event) };
}

/** The span of the delivery that brought an event. */
export const TRACE = {
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'vendor=one',
};

/** An event of a traced delivery. */
export function tracedEvent(messageId: string): SinkEvent {
  return { ...sinkEvent(messageId), trace: TRACE };
}

/** An event with this messageId that nothing authenticates, as anybody can send it. */
export function forgedEvent(messageId: string, fields: JsonObject = {}): SinkEvent {
  const { receipt } = sinkEvent(messageId).event;
  return sinkEvent(messageId, {
    receipt: {
      ...receipt,
      authenticated: false,
      verifiedBy: 'none',
      dedupeKey: `segment:${messageId}:unauthenticated`,
    },
    ...fields,
  });
}

/** An event of another source that has this messageId, too. */
export function eventOf(source: string, messageId: string, fields: JsonObject = {}): SinkEvent {
  const { receipt } = sinkEvent(messageId).event;
  const dedupeKey = `${source}:${messageId}`;
  return sinkEvent(messageId, { receipt: { ...receipt, source, dedupeKey }, ...fields });
}

/** One event of every type, and values that have broken serializers, terminals and line formats before. */
export function oddEvents(): readonly SinkEvent[] {
  const types = ['identify', 'track', 'page', 'screen', 'group', 'alias', 'delete', 'record'];
  const odd: JsonObject = {
    nul: 'a\u0000b',
    lines: 'a\nb\r\nc\u2028d\u2029e',
    escape: '\u001b[31mred\u001b[0m \u009b31m \u0007',
    bidi: '\u202eevil\u202c',
    high: '\ud800',
    low: '\udfff',
    emoji: '👩‍👩‍👧 東京 Zoë',
    numbers: [1e21, 0.1, -0.5, 12345678901234567000, 1e-7],
    empty: { '': '', a: [], b: {}, c: null },
    'key\n\u001b': true,
    backslash: '\\u001b \\n "',
  };
  return [
    ...types.map((type, index) => sinkEvent(`m-${index}`, { type, properties: odd })),
    sinkEvent('m\u0000\n東京 "quoted", with; commas', { properties: odd }),
    sinkEvent('m-large', { properties: { text: 'x"\u00e9'.repeat(350_000) } }),
  ];
}

/** A context for sinks under test; `warnings` collects what they log. */
export function sinkContext(warnings: string[] = []): SinkContext {
  return {
    name: 'under-test',
    clock: systemClock,
    bridgeId: () => 'this-bridge',
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: (_fields, message) => void warnings.push(message),
      error: () => undefined,
    },
  };
}
