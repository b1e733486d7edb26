import { readTimestamp } from '../../event/timestamp/timestamp.js';
import { idText } from '../kit/id-text.js';
import type { SinkContext, SinkEvent } from '../sink.js';
import type { Message } from './channel.js';
import { LONGEST_NAME, type Route } from './route.js';

/** Converts an event to a persistent message. `mandatory`: RabbitMQ reports if no queue is bound for it. */
export function messageOf(
  { dedupeKey, event, json, messageId, trace }: SinkEvent,
  route: Route,
  mandatory: boolean,
  format: SinkContext['format'],
): Message {
  const seconds = Math.floor((readTimestamp(event.timestamp) ?? -1) / 1000);
  return {
    exchange: route.exchange(event),
    routingKey: route.routingKey(event),
    content: Buffer.from(json),
    properties: {
      messageId: idText(messageId, (id) => Buffer.byteLength(id) <= LONGEST_NAME),
      persistent: true,
      mandatory,
      type: event.type,
      contentType: format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json',
      // AMQP's timestamps count from 1970; earlier ones do not exist.
      ...(seconds >= 0 && { timestamp: seconds }),
      headers: {
        dedupeKey: idText(dedupeKey),
        type: event.type,
        source: event.receipt.source,
        ...trace,
      },
    },
  };
}
