import { randomUUID } from 'node:crypto';
import amqp, { type ChannelModel, type GetMessage } from 'amqplib';
import { createRabbitmqSink, type RabbitmqOptions } from '../../../src/sinks/rabbitmq/sink.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { sinkContext } from '../events.js';

export const PORT = 5672;
export const never = (): AbortSignal => new AbortController().signal;

export function urlTo(port: number, user = 'guest:guest'): string {
  return `amqp://${user}@127.0.0.1:${port}`;
}

export function makeSink(
  options: Partial<RabbitmqOptions>,
  format: 'canonical' | 'cloudevents' = 'canonical',
): Sink {
  const complete: RabbitmqOptions = {
    url: urlTo(PORT),
    exchange: '',
    declare: false,
    queueType: 'classic',
    mandatory: true,
    maxMessageSize: 16_000_000,
    heartbeat: 10_000,
    ...options,
  };
  return createRabbitmqSink(complete, { ...sinkContext(), format }, amqp);
}

/** What a test looks at RabbitMQ with, and names that only it uses. */
export interface Broker {
  readonly model: ChannelModel;
  readonly queue: string;
  readonly exchange: string;
  createQueue(queue?: string, options?: amqp.Options.AssertQueue): Promise<void>;
  deleteQueue(queue?: string): Promise<void>;
  /** Takes all messages out of the queue. */
  take(queue?: string): Promise<readonly GetMessage[]>;
  /** How many messages are in the queue. */
  count(queue?: string): Promise<number>;
  /** Removes queue and exchange. */
  dispose(): Promise<void>;
}

export async function openBroker(port = PORT): Promise<Broker> {
  const model = await amqp.connect(urlTo(port));
  model.on('error', () => {});
  const channel = await model.createChannel();
  const own = `trackbridge-test-${randomUUID()}`;
  const extra = new Set<string>();
  return {
    model,
    queue: own,
    exchange: own,
    async createQueue(queue = own, options = {}) {
      extra.add(queue);
      await channel.assertQueue(queue, { durable: true, ...options });
    },
    async deleteQueue(queue = own) {
      await channel.deleteQueue(queue);
    },
    async take(queue = own) {
      const messages: GetMessage[] = [];
      for (;;) {
        const message = await channel.get(queue, { noAck: true });
        if (message === false) return messages;
        messages.push(message);
      }
    },
    count: async (queue = own) => (await channel.checkQueue(queue)).messageCount,
    async dispose() {
      for (const queue of [own, ...extra]) await channel.deleteQueue(queue);
      for (const exchange of [own, `${own}-full`]) await channel.deleteExchange(exchange);
      await model.close();
    },
  };
}

export function parsed(messages: readonly GetMessage[]): unknown[] {
  return messages.map(({ content }) => JSON.parse(content.toString()));
}
