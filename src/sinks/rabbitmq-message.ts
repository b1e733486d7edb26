import { createHash } from 'node:crypto';
import type { Message } from './rabbitmq-channel.js';
import { LONGEST_NAME, type Route } from './rabbitmq-route.js';
import type { SinkContext, SinkEvent } from './sink.js';

/** An event as a persistent message. `mandatory`: RabbitMQ says where no queue is bound for it. */
export function messageOf(
  { event, json, messageId }: SinkEvent,
  route: Route,
  mandatory: boolean,
  format: SinkContext['format'],
): Message {
  const seconds = Math.floor(Date.parse(event.timestamp) / 1000);
  return {
    exchange: route.exchange(event),
    routingKey: route.routingKey(event),
    content: Buffer.from(json),
    properties: {
      messageId: amqpMessageId(messageId),
      persistent: true,
      mandatory,
      type: event.type,
      contentType: format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json',
      // AMQP counts them from 1970 and knows none before.
      ...(seconds >= 0 && { timestamp: seconds }),
      headers: { type: event.type, source: event.receipt.source },
    },
  };
}

/** A messageId that AMQP's property holds, the same for the same id: a hash stands for one over 255 bytes. */
function amqpMessageId(messageId: string): string {
  if (Buffer.byteLength(messageId) <= LONGEST_NAME) return messageId;
  return `sha256-${createHash('sha256').update(messageId).digest('hex')}`;
}
