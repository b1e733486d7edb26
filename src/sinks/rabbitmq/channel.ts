import type { ChannelModel, ConfirmChannel, Options } from 'amqplib';

export interface Message {
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: Options.Publish & { readonly messageId: string };
}

/**
 * The outcome of a message. `stored`: in every queue it was routed to; `unroutable`: no queue is bound for its key;
 * `nacked`: rejected by a queue, such as a full one; `lost`: the channel or the connection ended first.
 */
export type PublishOutcome = 'stored' | 'unroutable' | 'nacked' | 'lost';

/** Why RabbitMQ closed a channel: AMQP's reply code, and its text, which can name what an event chose. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

/** A channel on which every message is confirmed. One delivery uses it at a time. */
export interface PublishChannel {
  /** Undefined while the channel is open, and if it ended together with its connection. */
  readonly refusal: Refusal | undefined;
  readonly isOpen: boolean;
  /** The number of unsettled messages. */
  readonly unsettled: number;
  /** Calls `settled` once. Throws a TypeError for a message that AMQP cannot encode; then nothing was sent. */
  publish(message: Message, settled: (outcome: PublishOutcome) => void): void;
  /** Prepares the channel for the next delivery. */
  reset(): void;
  close(): Promise<void>;
}

/** Opens a confirm channel. Rejects if the connection ends first. */
export async function openPublishChannel(model: ChannelModel): Promise<PublishChannel> {
  const channel = await model.createConfirmChannel();
  return publishChannelOf(channel);
}

function publishChannelOf(channel: ConfirmChannel): PublishChannel {
  let refusal: Refusal | undefined;
  let isOpen = true;
  let unsettled = 0;
  const returned = new Set<string>();
  channel.on('error', (error) => {
    refusal = refusalOf(error);
  });
  // Runs before amqplib's own listener, which fails unsettled messages: lost is not nacked.
  channel.prependListener('close', () => {
    isOpen = false;
  });
  // Arrives before the confirmation of the same message. Messages equal in all three are routed alike.
  channel.on('return', ({ fields, properties }) => {
    returned.add(routed(fields.exchange, fields.routingKey, String(properties.messageId)));
  });

  return {
    get refusal() {
      return refusal;
    },
    get isOpen() {
      return isOpen;
    },
    get unsettled() {
      return unsettled;
    },
    publish({ exchange, routingKey, content, properties }, settled) {
      const ended = (error: unknown): void => {
        unsettled--;
        if (error) settled(isOpen ? 'nacked' : 'lost');
        else if (returned.size === 0) settled('stored');
        else {
          const key = routed(exchange, routingKey, properties.messageId);
          settled(returned.has(key) ? 'unroutable' : 'stored');
        }
      };
      if (!isOpen) {
        settled('lost');
        return;
      }
      try {
        channel.publish(exchange, routingKey, content, properties, ended);
        unsettled++;
      } catch (error) {
        if (error instanceof TypeError) throw error;
        // The channel is closing, and its close event is still to come.
        settled('lost');
      }
    },
    reset: () => returned.clear(),
    close: () => channel.close(),
  };
}

/** Returns the server's reply in an error of amqplib; undefined for any other error. */
export function refusalOf(error: unknown): Refusal | undefined {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  if (typeof code !== 'number') return undefined;
  const text = String(message);
  return { code, text: / with message "(.*)"$/s.exec(text)?.[1] ?? text };
}

function routed(exchange: string, routingKey: string, messageId: string): string {
  return `${exchange}\n${routingKey}\n${messageId}`;
}
